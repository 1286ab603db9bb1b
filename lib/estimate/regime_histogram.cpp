#include "estimate/regime_histogram.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/vector_clones.h"
#include "estimate/student_t.h"

namespace alertbench {
namespace {

constexpr double least_factor = 1e-6, least_scale2 = 1e-4, least_distance = 0.1, first_distance = 0.5;
constexpr double least_tail = 1e-9;

// share[b] <- P(bin b); the outermost bins take the tails.
ALERT_VECTOR_CLONES void student_shares(double location, double scale, double* share) {
  constexpr int n = RegimeHistogram::bins;
  double below[n + 1];
  const double first = (RegimeHistogram::low - location) / scale, step = RegimeHistogram::width / scale;
  for (int b = 0; b <= n; ++b) below[b] = student_cdf(first + step * b);
  below[0] = 0, below[n] = 1;
  for (int b = 0; b < n; ++b) share[b] = below[b + 1] - below[b];
}

}  // namespace

RegimeHistogram::RegimeHistogram(const RegimeHistogramConstants& constants)
    : constants_(constants), count_(static_cast<size_t>(constants.regimes)) {
  for (size_t k = 0; k < count_; ++k) {
    Regime& r = regimes_[k];
    r.location = first_distance * static_cast<double>(k);
    r.scale2 = constants.scale;
    r.seen = constants.seen;
    r.weight = 1 / static_cast<double>(count_);
  }
  for (size_t b = 0; b < bins; ++b) factor_[b] = std::exp(low + width * (static_cast<double>(b) + 0.5));
  predict();
}

void RegimeHistogram::update(double factor, bool lower_bound) {
  if (!std::isfinite(factor) || !(factor > least_factor)) return;
  const double x = std::log(factor);
  const Bins kernel = kernel_of(x, lower_bound);
  weigh(x, lower_bound);
  for (size_t k = 0; k < count_; ++k) {
    Regime& r = regimes_[k];
    const double w = r.weight;
    if (constants_.histogram) {
      const double forgetting = constants_.histogram_forgetting;
      r.histogram_seen = std::min(r.histogram_seen * (1 - forgetting * w) + w, 1 / forgetting);
      const double a = r.histogram_seen > 0 ? std::min(1.0, w / r.histogram_seen) : 0;
      for (size_t b = 0; b < bins; ++b) r.histogram[b] += a * (kernel[b] - r.histogram[b]);
    }
    if (lower_bound) continue;
    const double forgetting = constants_.forgetting;
    const double off = x - r.location,
                 trust = (student_degrees + 1) / (student_degrees + off * off / r.scale2);
    r.seen = std::min(r.seen * (1 - forgetting * w) + w, 1 / forgetting);
    const double b = w / (r.seen + 1);
    r.location += off * w * trust / (r.seen + w * trust);
    r.scale2 = std::max(least_scale2, (1 - b) * r.scale2 + b * trust * off * off);
  }
  keep_in_order();
  predict();
}

// The weight of each regime, given x.
void RegimeHistogram::weigh(double x, bool lower_bound) {
  double sum = 0;
  for (size_t k = 0; k < count_; ++k) {
    Regime& r = regimes_[k];
    const double scale = std::sqrt(r.scale2), z = (x - r.location) / scale;
    const double near = 1 + z * z / student_degrees;
    const double likelihood =
        lower_bound ? 1 - student_cdf(z) + least_tail : 1 / (near * near * std::sqrt(near) * scale);
    r.weight = r.weight_next * likelihood;
    sum += r.weight;
  }
  for (size_t k = 0; k < count_; ++k) regimes_[k].weight /= sum;
}

// What a histogram learns: x, smoothed; of a lower bound what was predicted above it.
RegimeHistogram::Bins RegimeHistogram::kernel_of(double x, bool lower_bound) const {
  Bins kernel{};
  const double position = (x - low) * per_bin - 0.5;  // between the middles of bins
  if (lower_bound) {
    const double first = std::clamp(std::ceil(position), 0.0, bins - 1.0);
    double sum = 0;
    for (auto b = static_cast<size_t>(first); b < bins; ++b) sum += kernel[b] = pieces_[b].share_step;
    if (sum > 0)
      for (double& share : kernel) share /= sum;
    else
      kernel[bins - 1] = 1;
    return kernel;
  }
  const double whole = std::floor(std::clamp(position, -2.0, bins + 1.0));
  const double part = std::clamp(position - whole, 0.0, 1.0);
  const double smooth[] = {0.25 * (1 - part), 0.5 * (1 - part) + 0.25 * part, 0.25 * (1 - part) + 0.5 * part,
                           0.25 * part};
  for (int i = 0; i < 4; ++i)
    kernel[static_cast<size_t>(std::clamp(static_cast<int>(whole) - 1 + i, 0, bins - 1))] += smooth[i];
  return kernel;
}

void RegimeHistogram::keep_in_order() {
  for (size_t k = 1; k < count_; ++k)
    for (size_t i = k; i > 0 && regimes_[i - 1].location > regimes_[i].location; --i)
      std::swap(regimes_[i - 1], regimes_[i]);
  for (size_t k = 1; k < count_; ++k) {
    const double missing = least_distance - (regimes_[k].location - regimes_[k - 1].location);
    if (missing <= 0) continue;
    regimes_[k - 1].location -= missing / 2;
    regimes_[k].location += missing / 2;
  }
}

void RegimeHistogram::predict() {
  Bins share{}, student;
  const double others = count_ > 1 ? (1 - constants_.stay) / static_cast<double>(count_ - 1) : 0;
  for (size_t k = 0; k < count_; ++k) {
    Regime& r = regimes_[k];
    r.weight_next = count_ > 1 ? constants_.stay * r.weight + others * (1 - r.weight) : 1;
    student_shares(r.location, std::sqrt(r.scale2), student.data());
    const double n0 = constants_.histogram_prior, each = r.weight_next / (r.histogram_seen + n0);
    const double seen = each * r.histogram_seen, prior = each * n0;
    for (size_t b = 0; b < bins; ++b) share[b] += seen * r.histogram[b] + prior * student[b];
  }
  double below = 0, mean = 0;
  for (size_t b = 0; b < bins; ++b) {
    const double weighted = share[b] * factor_[b];
    pieces_[b] = {below, share[b], mean, weighted};
    below += share[b];
    mean += weighted;
  }
  pieces_[bins] = {below, 0, mean, 0};
}

double RegimeHistogram::sd() const {
  double variance = 0;
  for (size_t b = 0; b < bins; ++b)
    variance += pieces_[b].share_step * (factor_[b] - mean()) * (factor_[b] - mean());
  return std::sqrt(variance);
}

}  // namespace alertbench
