// The slow-down factor as a local level with heavy tails: the Kalman filter's successor for latencies that
// are skewed and have outliers. x = ln(factor) is Student-t distributed with 4 degrees of freedom around a
// level m that drifts. An outlier counts little; the price is that a true step is followed a little later.
#pragma once

#include <cmath>

#include "estimate/log_factor.h"
#include "estimate/student_t.h"

namespace alertbench {

struct StudentConstants {
  double variance = 0.1;     // P, of the level, at the start
  double noise = 0.02;       // R, squared scale of an observation around the level, at the start
  double drift = 0.002;      // variance that the level gains per input
  double forgetting = 0.97;  // 0..1: the share of R that stays
  double least_noise = 1e-4;
};

// P(x <= its argument) for a location and scale. Branch-free, for loops over all configurations.
struct StudentCdf {
  double location = 0, inverse_scale = 1;
  double operator()(double x) const { return student_cdf((x - location) * inverse_scale); }
};

class StudentSlowdown {
 public:
  explicit StudentSlowdown(const StudentConstants& constants);

  // ratio: measured over profiled latency. One that is not finite or not above 0 changes nothing.
  //   P <- P + drift    S = P + R    y = x - m    w = 5 / (4 + y^2/S)    K = P / (P + R/w)
  //   m <- m + K*y      P <- (1-K)*P
  //   R <- max(least_noise, forgetting*R + (1-forgetting) * w * max(y^2 - P, y^2/10))
  void update(double ratio);
  // All that is known is that the ratio was above `bound`: the level drifts, and nothing is learned.
  void exceeded(double bound);

  // x ~ m + sqrt(P + R) * T4
  StudentCdf log_cdf() const { return {location_, 1 / scale_}; }
  double cdf(double factor) const { return factor > 0 ? log_cdf()(log_factor(factor)) : 0; }
  double quantile(double p) const { return std::exp(location_ + student_quantile(p) * scale_); }
  double mean() const { return moments_.mean; }  // see FactorMoments
  double sd() const { return moments_.sd(); }

 private:
  void predict();

  StudentConstants constants_;
  double location_ = 0, variance_, noise_, scale_ = 1;
  FactorMoments moments_;
};

}  // namespace alertbench
