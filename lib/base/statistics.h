// Summary statistics. Without data the functions return nullopt; no result is ever NaN.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/random.h"

namespace alertbench {

// The p-quantile (p clamped to 0..1) by linear interpolation between order statistics: at position p * (n -
// 1) of the sorted values, as R's type 7 and numpy's default. Values that are not finite are ignored;
// nullopt if none is left.
std::optional<double> quantile(std::vector<double> values, double p);
std::optional<double> mean_of(const std::vector<double>& values);  // likewise

struct Interval {
  double low = 0, high = 0;
};

struct BootstrapSettings {
  uint64_t seed = 1;
  int resamples = 1000;
  int block = 10;  // inputs: neighbours share the co-runner's state, so they are drawn together
  double confidence = 0.95;
};

// The percentile interval of a figure over resamples, the only bootstrap of this program. `figure` draws one
// resample with the given source, and returns its value; nullopt or a value that is not finite: the resample
// has none. What is then done, `undefined` says: there is no interval, or the resample does not count. The
// same on every platform for the same seed.
enum class Undefined { no_interval, skip };
std::optional<Interval> bootstrap(const BootstrapSettings& settings, Undefined undefined,
                                  const std::function<std::optional<double>(Random&)>& figure);

// Intervals by a circular block bootstrap over inputs in their order, percentile method. nullopt for fewer
// than two blocks, or if a resample gives no finite value. The same on every platform for the same seed.
std::optional<Interval> bootstrap_mean(const std::vector<double>& values, const BootstrapSettings& settings);
// Of mean(numerator) / mean(denominator), value by value in pairs; sizes must be equal (else nullopt).
std::optional<Interval> bootstrap_ratio(const std::vector<double>& numerator,
                                        const std::vector<double>& denominator,
                                        const BootstrapSettings& settings);

}  // namespace alertbench
