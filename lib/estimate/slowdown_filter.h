// The global slow-down factor xi ~ Normal(mu, sigma2): how much slower than profiled everything runs at the
// moment. One scalar for all configurations, followed by a Kalman filter whose process noise adapts to its
// own corrections (ALERT, USENIX ATC 2020).
#pragma once

#include <algorithm>
#include <cmath>

#include "estimate/normal_cdf.h"

namespace alertbench {

struct SlowdownConstants {
  double gain = 0.5;                 // K at the start
  double measurement_noise = 0.001;  // R, > 0
  double process_noise_floor = 0.1;  // Q0
  double mean = 1;                   // mu at the start
  double variance = 0.1;             // sigma2 at the start
  double forgetting = 0.3;           // alpha, 0..1: the share of Q that stays
  // What is predicted is the next observation, with variance sigma2 + R, not the factor behind it (sigma2, as
  // published). R matters only if it is not small: it is 0.001 in `paper` and 0.1 in `tuned`.
  bool predict_with_noise = false;

  // As published. With this floor sigma never falls under 0.318: a network with 25 % slack is given a 78 %
  // chance.
  static SlowdownConstants paper() { return {}; }
  // Chosen by the sensitivity study (ARTIFACT.md), together with a probability of 0.9 with which goals must
  // hold.
  static SlowdownConstants tuned() { return {0.5, 0.1, 0.03, 1, 0.1, 0.3, false}; }
};

class SlowdownFilter {
 public:
  explicit SlowdownFilter(const SlowdownConstants& constants);

  // ratio: measured over profiled latency. One that is not finite or not above 0 says nothing and changes
  // nothing.
  //   Q <- max(Q0, alpha*Q + (1-alpha)*(K*y)^2)   sigma2 <- (1-K)*sigma2 + Q   K <- sigma2/(sigma2+R)
  //   y <- ratio - mu                             mu <- mu + K*y
  void update(double ratio);
  // All that is known is that the ratio was above `bound`: ALERT takes the bound for the ratio.
  void exceeded(double bound) { update(bound); }

  double mean() const { return mean_; }
  double variance() const { return variance_; }  // sigma2
  double gain() const { return gain_; }

  // Of what is predicted (see predict_with_noise).
  double sd() const {
    return std::sqrt(constants_.predict_with_noise ? variance_ + constants_.measurement_noise : variance_);
  }
  double cdf(double factor) const { return normal_cdf((factor - mean_) / std::max(least_sd, sd())); }
  double quantile(double p) const { return mean_ + normal_table.inverse(p) * sd(); }
  static constexpr double least_sd = 1e-12;  // what divides by a standard deviation of 0 divides by this

 private:
  SlowdownConstants constants_;
  double process_noise_, gain_, innovation_ = 0, mean_, variance_;
};

}  // namespace alertbench
