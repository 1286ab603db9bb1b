#include "base/statistics.h"

#include <algorithm>
#include <cmath>

namespace alertbench {
namespace {

void keep_finite(std::vector<double>& values) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }),
               values.end());
}

// Sums of all stretches of a circle in constant time.
class CircleSums {
 public:
  explicit CircleSums(const std::vector<double>& values) : n_(values.size()), upto_(2 * n_ + 1) {
    for (size_t i = 0; i < 2 * n_; ++i) upto_[i + 1] = upto_[i] + values[i % n_];
  }
  double operator()(size_t first, size_t length) const { return upto_[first + length] - upto_[first]; }

 private:
  size_t n_;
  std::vector<double> upto_;
};

}  // namespace

std::optional<double> quantile(std::vector<double> values, double p) {
  keep_finite(values);
  if (values.empty()) return {};
  const double position = (p > 0 ? std::min(p, 1.0) : 0.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(below), values.end());
  const double low = values[below];
  if (below + 1 == values.size()) return low;
  const double high =
      *std::min_element(values.begin() + static_cast<std::ptrdiff_t>(below) + 1, values.end());
  return low + (position - static_cast<double>(below)) * (high - low);
}

std::optional<double> mean_of(const std::vector<double>& values) {
  double sum = 0;
  size_t n = 0;
  for (double v : values)
    if (std::isfinite(v)) {
      sum += v;
      ++n;
    }
  if (n == 0) return {};
  return sum / static_cast<double>(n);
}

std::optional<Interval> bootstrap(const BootstrapSettings& settings, Undefined undefined,
                                  const std::function<std::optional<double>(Random&)>& figure) {
  Random random(settings.seed);
  std::vector<double> values;
  for (int r = 0; r < settings.resamples; ++r) {
    const std::optional<double> value = figure(random);
    if (value && std::isfinite(*value))
      values.push_back(*value);
    else if (undefined == Undefined::no_interval)
      return {};
  }
  if (values.empty()) return {};
  const double tail = 0.5 * (1 - settings.confidence);
  return Interval{*quantile(values, tail), *quantile(values, 1 - tail)};
}

std::optional<Interval> bootstrap_ratio(const std::vector<double>& numerator,
                                        const std::vector<double>& denominator,
                                        const BootstrapSettings& settings) {
  const size_t n = numerator.size();
  const auto block = static_cast<size_t>(std::max(1, settings.block));
  if (n != denominator.size() || n < 2 * block) return {};
  const CircleSums above(numerator), below(denominator);
  return bootstrap(settings, Undefined::no_interval, [&](Random& random) -> std::optional<double> {
    double a = 0, b = 0;
    for (size_t drawn = 0; drawn < n; drawn += block) {
      const size_t first = random.below(n), length = std::min(block, n - drawn);
      a += above(first, length);
      b += below(first, length);
    }
    return a / b;
  });
}

std::optional<Interval> bootstrap_mean(const std::vector<double>& values, const BootstrapSettings& settings) {
  return bootstrap_ratio(values, std::vector<double>(values.size(), 1.0), settings);
}

}  // namespace alertbench
