// Student's t distribution with 4 degrees of freedom: tails as heavy as those of latencies, and closed forms
// both ways, so that it can be asked for every configuration on every input.
#pragma once

#include <algorithm>
#include <cmath>

namespace alertbench {

constexpr double student_degrees = 4;

// P(T <= z), within 1e-15; z must be finite, and |z| below 1e150.
inline double student_cdf(double z) {
  const double u = z / std::sqrt(4 + z * z);
  return 0.5 + u * (0.75 - 0.25 * u * u);
}

inline double student_density(double z) {
  const double r = 1 / std::sqrt(1 + 0.25 * z * z), square = r * r;
  return 0.375 * square * square * r;
}

// z with P(T <= z) = p; p is clamped to [1e-12, 1 - 1e-12].
inline double student_quantile(double p) {
  p = std::clamp(p, 1e-12, 1 - 1e-12);
  const double root = 2 * std::sqrt(p * (1 - p));
  const double z = 2 * std::sqrt(std::max(0.0, std::cos(std::acos(std::min(1.0, root)) / 3) / root - 1));
  return p < 0.5 ? -z : z;
}

}  // namespace alertbench
