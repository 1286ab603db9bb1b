// The global slow-down factor xi ~ Normal(mu, sigma2): how much slower than profiled everything runs at the
// moment. One scalar for all configurations, followed by a Kalman filter whose process noise adapts to its
// own corrections (ALERT, USENIX ATC 2020).
#pragma once

#include <string>

namespace alertbench {

struct SlowdownConstants {
  double gain = 0.5;                 // K at the start
  double measurement_noise = 0.001;  // R, > 0
  double process_noise_floor = 0.1;  // Q0
  double mean = 1;                   // mu at the start
  double variance = 0.1;             // sigma2 at the start
  double forgetting = 0.3;           // alpha, 0..1: the share of Q that stays

  // As published. With this floor sigma never falls under 0.318: a network with 25 % slack is given a 78 %
  // chance.
  static SlowdownConstants paper() { return {}; }
  // Chosen by the sensitivity study (ARTIFACT.md), together with a probability of 0.9 with which goals must
  // hold.
  static SlowdownConstants tuned() { return {0.5, 0.1, 0.03, 1, 0.1, 0.3}; }
};

class SlowdownFilter {
 public:
  explicit SlowdownFilter(const SlowdownConstants& constants);

  // ratio: measured over profiled latency. One that is not finite or not above 0 says nothing and changes
  // nothing.
  //   Q <- max(Q0, alpha*Q + (1-alpha)*(K*y)^2)   sigma2 <- (1-K)*sigma2 + Q   K <- sigma2/(sigma2+R)
  //   y <- ratio - mu                             mu <- mu + K*y
  void update(double ratio);

  double mean() const { return mean_; }
  double variance() const { return variance_; }
  double gain() const { return gain_; }

 private:
  SlowdownConstants constants_;
  double process_noise_, gain_, innovation_ = 0, mean_, variance_;
};

}  // namespace alertbench
