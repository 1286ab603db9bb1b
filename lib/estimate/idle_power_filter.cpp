#include "estimate/idle_power_filter.h"

#include <cmath>

namespace alertbench {

void IdlePowerFilter::update(double ratio) {
  if (!(std::isfinite(ratio) && ratio >= 0)) return;
  const double prior = variance_ + constants_.process_noise;
  const double gain = prior / (prior + constants_.measurement_noise);
  variance_ = (1 - gain) * prior;
  ratio_ += gain * (ratio - ratio_);
}

}  // namespace alertbench
