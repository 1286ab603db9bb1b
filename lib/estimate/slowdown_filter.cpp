#include "estimate/slowdown_filter.h"

#include <algorithm>
#include <cmath>

namespace alertbench {

SlowdownFilter::SlowdownFilter(const SlowdownConstants& constants)
    : constants_(constants),
      process_noise_(constants.process_noise_floor),
      gain_(constants.gain),
      mean_(constants.mean),
      variance_(constants.variance) {}

void SlowdownFilter::update(double ratio) {
  if (!(std::isfinite(ratio) && ratio > 0)) return;
  const double correction = gain_ * innovation_;
  const double alpha = constants_.forgetting;
  process_noise_ = std::max(constants_.process_noise_floor,
                            alpha * process_noise_ + (1 - alpha) * correction * correction);
  variance_ = (1 - gain_) * variance_ + process_noise_;
  gain_ = variance_ / (variance_ + constants_.measurement_noise);
  innovation_ = ratio - mean_;
  mean_ += gain_ * innovation_;
}

}  // namespace alertbench
