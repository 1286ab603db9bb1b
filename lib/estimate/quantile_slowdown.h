// The slow-down factor by its quantiles alone, each of which is tracked on its own: no distribution is
// assumed. Scale-free online gradient descent on the pinball loss of x = ln(factor) (Bhatnagar, Wang, Xiong,
// Bai, "Improved Online Conformal Prediction via Strongly Adaptive Online Learning", ICML 2023). All it asks
// of an observation is which quantiles it exceeded, so it loses nothing if only a bound is known, and no
// outlier moves it by more than a step. Steps become smaller as inputs go by: after a long quiet phase it
// walks slowly.
#pragma once

#include <array>
#include <cmath>

#include "estimate/log_factor.h"

namespace alertbench {

struct QuantileConstants {
  // D: by how much x is expected to range, > 0; 1 is a factor of e. The first step is D / sqrt(3).
  double range = 1;
};

constexpr size_t quantile_levels_count = 8;
constexpr std::array<double, quantile_levels_count> quantile_levels = {0.05, 0.1, 0.25, 0.5,
                                                                       0.75, 0.9, 0.95, 0.99};

// P(x <= its argument): straight between the quantiles, and beyond the outermost ones exponential tails that
// go on as the two outermost levels begin. Within 1e-8 of that. For loops over all configurations: written so
// that compilers vectorise it (no branch, and no constant that would tempt them to make one).
struct QuantileCdf {
  std::array<double, quantile_levels_count> at{};         // rising
  std::array<double, quantile_levels_count - 1> slope{};  // of each piece
  double base = 0;                                        // brings the value at at[0] to the lowest level
  double low_rate = 1, high_rate = 1;                     // of the tails
  double low_end = -tail, high_end = tail;                // from where on they are 0

  double operator()(double x) const {
    double p = base;
#if defined(__GNUC__)
#pragma GCC unroll 8
#endif
    for (size_t k = 0; k + 1 < quantile_levels_count; ++k) p += slope[k] * clamped(x, at[k], at[k + 1]);
    const double first = at[0], last = at[quantile_levels_count - 1];
    const double below = (first - clamped(x, low_end, first)) * low_rate,
                 above = (clamped(x, last, high_end) - last) * high_rate;
    // At most one of the two is not 0; its weight is the lowest level, or what is left above the highest,
    // less than 0.
    constexpr double low_weight = quantile_levels.front(), high_weight = quantile_levels.back() - 1;
    const double weight =
        0.5 * (low_weight + high_weight) + std::copysign(0.5 * (low_weight - high_weight), first - x);
    return p + weight * (exp_minus(below + above) - 1);
  }

  static double clamped(double x, double low, double high) {
    const double raised = x > low ? x : low;
    return raised < high ? raised : high;
  }
  // e^-y for y of 0..tail, within 1e-8: the fourth-order series at y / 256, squared eight times.
  static constexpr double tail = 40;
  static double exp_minus(double y) {
    const double s = y * (1.0 / 256);
    double e = 1 - s * (1 - s * (1.0 / 2) * (1 - s * (1.0 / 3) * (1 - s * (1.0 / 4))));
    e *= e, e *= e, e *= e, e *= e;
    e *= e, e *= e, e *= e, e *= e;
    return e;
  }
};

class QuantileSlowdown {
 public:
  explicit QuantileSlowdown(const QuantileConstants& constants);

  // ratio: measured over profiled latency. One that is not finite or not above 0 changes nothing. For each
  // level t with its quantile q (0 at the start, as its G):
  //   g = -t if x > q, else 1 - t      G <- G + g^2      q <- q - D/sqrt(3) * g/sqrt(G)
  // For predictions the quantiles are sorted where they cross, and kept 1e-4 apart.
  void update(double ratio);
  // All that is known is that the ratio was above `bound`: that is all there is to know about the quantiles
  // up to it, and the others stay as they are.
  void exceeded(double bound);

  const QuantileCdf& log_cdf() const { return cdf_; }
  double cdf(double factor) const { return factor > 0 ? cdf_(log_factor(factor)) : 0; }
  double quantile(double p) const;
  // Of the predicted distribution, where what lies beyond the outermost quantiles counts as these.
  double mean() const { return mean_; }
  // That of a normal distribution whose 5th and 95th percentiles are as far apart.
  double sd() const { return sd_; }

 private:
  void step(size_t level, double gradient);
  void predict();

  double step_size_;
  std::array<double, quantile_levels_count> at_{}, squares_{};
  QuantileCdf cdf_;
  double mean_ = 1, sd_ = 0;
};

}  // namespace alertbench
