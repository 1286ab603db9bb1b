#include "estimate/student_slowdown.h"

#include <algorithm>

namespace alertbench {

StudentSlowdown::StudentSlowdown(const StudentConstants& constants)
    : constants_(constants), variance_(constants.variance), noise_(constants.noise) {
  predict();
}

void StudentSlowdown::update(double ratio) {
  if (!is_factor(ratio)) return;
  variance_ += constants_.drift;
  const double y = log_factor(ratio) - location_, square = y * y;
  const double weight = (student_degrees + 1) / (student_degrees + square / (variance_ + noise_));
  const double gain = variance_ / (variance_ + noise_ / weight);
  location_ += gain * y;
  variance_ *= 1 - gain;
  const double spread = weight * std::max(square - variance_, 0.1 * square);
  noise_ =
      std::max(constants_.least_noise, constants_.forgetting * noise_ + (1 - constants_.forgetting) * spread);
  predict();
}

void StudentSlowdown::exceeded(double bound) {
  if (!is_factor(bound)) return;
  variance_ += constants_.drift;
  predict();
}

void StudentSlowdown::predict() {
  scale_ = std::sqrt(variance_ + noise_);
  moments_ = FactorMoments::of(location_, variance_ + noise_);
}

}  // namespace alertbench
