#include "contention/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "core/error.h"

namespace alertbench {
namespace {

void check_mean(const char* key, double mean) {
  if (!(std::isfinite(mean) && mean >= 1))
    throw InputError(fmt::format("schedule: {} is {}; it must be a number of inputs, at least 1", key, mean));
}

std::vector<bool> random_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed) {
  check_mean("mean_on_inputs", spec.mean_on_inputs);
  check_mean("mean_off_inputs", spec.mean_off_inputs);
  Random random(seed);
  auto spell = [&](double mean) {
    const double length = std::min(mean * (0.5 + random.uniform()), static_cast<double>(inputs));
    return std::max(1, static_cast<int>(std::lround(length)));
  };
  int first_off = spell(spec.mean_off_inputs);
  if (inputs >= 2 && inputs >= spec.mean_on_inputs + spec.mean_off_inputs)
    first_off = std::min(first_off, inputs - static_cast<int>(std::lround(spec.mean_on_inputs)));

  std::vector<bool> on(static_cast<size_t>(inputs), false);
  int64_t at = first_off;
  while (at < inputs) {
    const int64_t end = std::min<int64_t>(inputs, at + spell(spec.mean_on_inputs));
    std::fill(on.begin() + at, on.begin() + end, true);
    at = end + spell(spec.mean_off_inputs);
  }
  return on;
}

std::vector<bool> listed_schedule(const ScheduleSpec& spec, int inputs) {
  std::vector<bool> on(static_cast<size_t>(inputs), false);
  int previous_end = 0;
  for (auto [first, end] : spec.on_ranges) {
    if (first < previous_end || end <= first)
      throw InputError(fmt::format(
          "schedule: on_ranges has [{}, {}); ranges are [first, end) with first < end, from 0 up, "
          "ascending and disjoint",
          first, end));
    for (int i = first; i < std::min(end, inputs); ++i) on[static_cast<size_t>(i)] = true;
    previous_end = end;
  }
  return on;
}

}  // namespace

std::vector<bool> make_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed) {
  if (inputs < 0)
    throw InputError(fmt::format("schedule: {} inputs; the number must not be negative", inputs));
  if (spec.kind != "list" && !spec.on_ranges.empty())
    throw InputError(fmt::format("schedule: on_ranges goes with kind \"list\", not \"{}\"", spec.kind));
  if (spec.kind == "random") return random_schedule(spec, inputs, seed);
  if (spec.kind == "always") return std::vector<bool>(static_cast<size_t>(inputs), true);
  if (spec.kind == "never") return std::vector<bool>(static_cast<size_t>(inputs), false);
  if (spec.kind == "list") return listed_schedule(spec, inputs);
  throw InputError(
      fmt::format("schedule: kind \"{}\" is unknown; it is random, always, never or list", spec.kind));
}

}  // namespace alertbench
