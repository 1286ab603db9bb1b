#include "estimate/quantile_slowdown.h"

#include <algorithm>

namespace alertbench {
namespace {

constexpr size_t last_level = quantile_levels_count - 1;
constexpr double least_gap = 1e-4;
constexpr double normal_q95_to_q05 = 3.2897072539029444;

}  // namespace

QuantileSlowdown::QuantileSlowdown(const QuantileConstants& constants)
    : step_size_(constants.range / std::sqrt(3.0)) {
  predict();
}

void QuantileSlowdown::step(size_t level, double gradient) {
  squares_[level] += gradient * gradient;
  at_[level] = std::clamp(at_[level] - step_size_ * gradient / std::sqrt(squares_[level]),
                          -greatest_log_factor, greatest_log_factor);
}

void QuantileSlowdown::update(double ratio) {
  if (!is_factor(ratio)) return;
  const double x = log_factor(ratio);
  for (size_t k = 0; k <= last_level; ++k) step(k, x > at_[k] ? -quantile_levels[k] : 1 - quantile_levels[k]);
  predict();
}

void QuantileSlowdown::exceeded(double bound) {
  if (!is_factor(bound)) return;
  const double x = log_factor(bound);
  for (size_t k = 0; k <= last_level; ++k)
    if (at_[k] <= x) step(k, -quantile_levels[k]);
  predict();
}

void QuantileSlowdown::predict() {
  auto& at = cdf_.at;
  at = at_;
  std::sort(at.begin(), at.end());
  for (size_t k = 1; k <= last_level; ++k) at[k] = std::max(at[k], at[k - 1] + least_gap);

  std::array<double, quantile_levels_count> factor;
  for (size_t k = 0; k <= last_level; ++k) factor[k] = std::exp(at[k]);
  mean_ = quantile_levels.front() * factor.front() + (1 - quantile_levels.back()) * factor.back();
  cdf_.base = quantile_levels.front();
  for (size_t k = 0; k < last_level; ++k) {
    cdf_.slope[k] = (quantile_levels[k + 1] - quantile_levels[k]) / (at[k + 1] - at[k]);
    cdf_.base -= cdf_.slope[k] * at[k];
    mean_ += cdf_.slope[k] * (factor[k + 1] - factor[k]);
  }
  cdf_.low_rate = std::log(quantile_levels[1] / quantile_levels[0]) / (at[1] - at[0]);
  cdf_.high_rate = std::log((1 - quantile_levels[last_level - 1]) / (1 - quantile_levels[last_level])) /
                   (at[last_level] - at[last_level - 1]);
  cdf_.low_end = at[0] - QuantileCdf::tail / cdf_.low_rate;
  cdf_.high_end = at[last_level] + QuantileCdf::tail / cdf_.high_rate;
  sd_ = (factor[last_level - 1] - factor[0]) / normal_q95_to_q05;
}

double QuantileSlowdown::quantile(double p) const {
  p = std::clamp(p, 1e-12, 1 - 1e-12);
  const auto& at = cdf_.at;
  if (p < quantile_levels.front())
    return std::exp(at.front() - std::log(quantile_levels.front() / p) / cdf_.low_rate);
  if (p >= quantile_levels.back())
    return std::exp(at.back() + std::log((1 - quantile_levels.back()) / (1 - p)) / cdf_.high_rate);
  const size_t k = static_cast<size_t>(std::upper_bound(quantile_levels.begin(), quantile_levels.end(), p) -
                                       quantile_levels.begin()) -
                   1;
  return std::exp(at[k] + (p - quantile_levels[k]) / cdf_.slope[k]);
}

}  // namespace alertbench
