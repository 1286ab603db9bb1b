// What the estimators share that work with the logarithm of the slow-down factor: factors are ratios, and
// their spread is skewed.
#pragma once

#include <algorithm>
#include <cmath>

namespace alertbench {

// An observed ratio that says something: finite and above 0.
inline bool is_factor(double ratio) { return std::isfinite(ratio) && ratio > 0; }

// ln of an observed ratio. Beyond a factor of 10^4 either way it counts as that, so that no observation
// overflows anything later.
constexpr double greatest_log_factor = 9.210340371976184;
inline double log_factor(double ratio) {
  return std::clamp(std::log(ratio), -greatest_log_factor, greatest_log_factor);
}

// Mean and mean square of a factor whose logarithm is Student-t distributed with 4 degrees of freedom. Taken
// literally they are infinite, so they are those of the normal distribution with the same mean and variance
// of the logarithm, location and 2 * squared scale; of that variance at most 1 counts, because a mean says
// nothing of what spreads further.
struct FactorMoments {
  double mean = 0, square = 0;

  static FactorMoments of(double location, double squared_scale) {
    const double half_variance = std::min(squared_scale, 0.5);
    const double mean = std::exp(location + half_variance), growth = std::exp(half_variance);
    return {mean, mean * mean * growth * growth};
  }
  double sd() const { return std::sqrt(std::max(0.0, square - mean * mean)); }
};

}  // namespace alertbench
