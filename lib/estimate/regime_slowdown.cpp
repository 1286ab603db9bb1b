#include "estimate/regime_slowdown.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace alertbench {
namespace {

constexpr double least_likelihood = 1e-200;  // so that the weights of two impossible regimes stay numbers

// d^-5/2
double to_minus_five_halves(double d) { return 1 / (d * d * std::sqrt(d)); }

}  // namespace

RegimeSlowdown::RegimeSlowdown(const RegimeConstants& constants)
    : constants_(constants),
      regimes_{{{0, constants.variance, constants.count, 0.5},
                {constants.second_location, constants.variance, constants.count, 0.5}}} {
  keep_apart();
  predict();
}

void RegimeSlowdown::update(double ratio) {
  if (!is_factor(ratio)) return;
  const double x = log_factor(ratio);
  std::array<double, 2> likelihood, distance;
  for (size_t k = 0; k < 2; ++k) {
    const Regime& r = regimes_[k];
    distance[k] = (x - r.location) * (x - r.location) / r.variance;
    likelihood[k] = cdf_.weight[k] * std::max(least_likelihood, to_minus_five_halves(1 + distance[k] / 4) /
                                                                    std::sqrt(r.variance));
  }
  const double most = 1 / (1 - constants_.forgetting);
  for (size_t k = 0; k < 2; ++k) {
    Regime& r = regimes_[k];
    r.weight = likelihood[k] / (likelihood[0] + likelihood[1]);
    r.count = std::min(r.count * (1 - (1 - constants_.forgetting) * r.weight) + r.weight, most);
    const double outlier = (student_degrees + 1) / (student_degrees + distance[k]);
    const double step = x - r.location, counted = r.weight * outlier, part = r.weight / (r.count + 1);
    r.location += step * counted / (r.count + counted);
    r.variance = std::max(constants_.least_variance, (1 - part) * r.variance + part * outlier * step * step);
  }
  keep_apart();
  predict();
}

void RegimeSlowdown::exceeded(double bound) {
  if (!is_factor(bound)) return;
  const double x = log_factor(bound);
  std::array<double, 2> likelihood;
  for (size_t k = 0; k < 2; ++k)
    likelihood[k] = cdf_.weight[k] *
                    std::max(least_likelihood, student_cdf((cdf_.location[k] - x) * cdf_.inverse_scale[k]));
  for (size_t k = 0; k < 2; ++k) regimes_[k].weight = likelihood[k] / (likelihood[0] + likelihood[1]);
  predict();
}

void RegimeSlowdown::keep_apart() {
  if (regimes_[0].location > regimes_[1].location) std::swap(regimes_[0], regimes_[1]);
  auto& [low, high] = regimes_;
  if (high.location - low.location >= constants_.least_distance) return;
  if (low.weight >= high.weight)
    high.location = low.location + constants_.least_distance;
  else
    low.location = high.location - constants_.least_distance;
}

void RegimeSlowdown::predict() {
  moments_ = {};
  for (size_t k = 0; k < 2; ++k) {
    const Regime& r = regimes_[k];
    cdf_.weight[k] = constants_.stay * r.weight + (1 - constants_.stay) * (1 - r.weight);
    cdf_.location[k] = r.location;
    cdf_.inverse_scale[k] = 1 / std::sqrt(r.variance);
    const FactorMoments m = FactorMoments::of(r.location, r.variance);
    moments_.mean += cdf_.weight[k] * m.mean;
    moments_.square += cdf_.weight[k] * m.square;
  }
}

double RegimeSlowdown::quantile(double p) const {
  // It lies between those of the two regimes. By Newton's method; a step that leaves the bracket halves it.
  const double t = student_quantile(p);
  double low = cdf_.location[0] + t / cdf_.inverse_scale[0],
         high = cdf_.location[1] + t / cdf_.inverse_scale[1];
  if (low > high) std::swap(low, high);
  double x = cdf_.weight[0] * low + cdf_.weight[1] * high, moved = high - low;
  for (int i = 0; i < 60 && std::abs(moved) > 1e-9; ++i) {
    const double off = cdf_(x) - p;
    (off < 0 ? low : high) = x;
    double density = 0;
    for (size_t k = 0; k < 2; ++k)
      density += cdf_.weight[k] * cdf_.inverse_scale[k] *
                 student_density((x - cdf_.location[k]) * cdf_.inverse_scale[k]);
    double next = x - off / density;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    moved = next - x;
    x = next;
  }
  return std::exp(x);
}

}  // namespace alertbench
