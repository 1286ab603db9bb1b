// The speed of an application under the slowest setting, followed by the scalar Kalman filter that the
// controllers POET, CoPPer and CALOREE share: rate = speed-up * x + noise, with x a random walk.
#pragma once

#include <algorithm>

namespace alertbench {

struct BaseSpeedConstants {         // libpoet's and libcopper's
  double base_speed = 0.2;          // x at the start, 1/s
  double variance = 1;              // P at the start
  double process_noise = 1e-5;      // Q
  double measurement_noise = 0.01;  // R
};

class BaseSpeedFilter {
 public:
  static constexpr double lowest = 1e-12;  // x never falls below it

  explicit BaseSpeedFilter(const BaseSpeedConstants& constants = {})
      : constants_(constants), base_speed_(constants.base_speed), variance_(constants.variance) {}

  // With u the speed-up that was asked for, and r the rate that came of it, 1/s:
  //   P <- P+Q;  K = P*u/(u*P*u+R);  x <- x+K*(r-u*x);  P <- (1-K*u)*P
  void update(double rate, double speedup) {
    variance_ += constants_.process_noise;
    const double gain = variance_ * speedup / (speedup * variance_ * speedup + constants_.measurement_noise);
    base_speed_ = std::max(lowest, base_speed_ + gain * (rate - speedup * base_speed_));
    variance_ *= std::max(0.0, 1 - gain * speedup);
  }
  // For a table of speed-ups whose unit has changed.
  void scale(double factor) { base_speed_ = std::max(lowest, base_speed_ * factor); }

  double value() const { return base_speed_; }

 private:
  BaseSpeedConstants constants_;
  double base_speed_, variance_;
};

}  // namespace alertbench
