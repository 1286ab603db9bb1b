#include "contention/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/random.h"
#include "base/text_file.h"

namespace alertbench {
namespace {

void check_mean(const char* key, double mean) {
  if (!(std::isfinite(mean) && mean >= 1))
    throw InputError(fmt::format("schedule: {} is {}; expected a number of inputs, at least 1", key, mean));
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

std::vector<bool> timed_schedule(const ScheduleSpec& spec, int inputs) {
  if (!(std::isfinite(spec.period_s) && spec.period_s > 0))
    throw InputError(
        fmt::format("schedule: period_s is {}; kind time requires the seconds from one input to the next",
                    spec.period_s));
  for (const auto& [key, seconds] : {std::pair{"on_s", spec.on_s}, {"off_s", spec.off_s}})
    if (!(std::isfinite(seconds) && seconds >= spec.period_s))
      throw InputError(fmt::format("schedule: {} is {} s; it must be at least one period of the inputs, {} s",
                                   key, seconds, spec.period_s));
  std::vector<bool> on(static_cast<size_t>(inputs), false);
  const double cycle_s = spec.off_s + spec.on_s;
  for (int n = 0; n < inputs; ++n) {
    // A hair later, so that rounding decides nothing where a spell begins with an input.
    const double at_s = (n + 1e-6) * spec.period_s;
    on[static_cast<size_t>(n)] = at_s - std::floor(at_s / cycle_s) * cycle_s >= spec.off_s;
  }
  return on;
}

constexpr size_t most_bytes = 16 << 20;

std::pair<int, int> read_range_line(const std::string& line, const std::string& where) {
  int values[2] = {0, 0}, count = 0;
  const char *at = line.data(), *end = at + line.size();
  while (at != end) {
    if (*at == ' ' || *at == '\t' || *at == ',' || *at == '\r') {
      ++at;
      continue;
    }
    int value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    const bool ends_well = next == end || *next == ' ' || *next == '\t' || *next == ',' || *next == '\r';
    if (error != std::errc() || !ends_well || count == 2) {
      count = 0;
      break;
    }
    values[count++] = value;
    at = next;
  }
  if (count != 2)
    throw InputError(fmt::format("{}: expected two input numbers, first and end, found \"{}\"", where,
                                 line.substr(0, 60)));
  return {values[0], values[1]};
}

void check_range(std::pair<int, int> range, int previous_end, const std::string& where) {
  if (range.first < previous_end || range.second <= range.first)
    throw InputError(fmt::format(
        "{}: [{}, {}) after input {}; ranges are [first, end) with first < end, from 0 up, ascending and "
        "disjoint",
        where, range.first, range.second, previous_end));
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

std::vector<std::pair<int, int>> read_on_ranges(const std::string& path) {
  const std::string text = read_text_file(path, most_bytes);
  std::vector<std::pair<int, int>> ranges;
  const size_t opening = text.find_first_not_of(" \t\r\n");
  if (opening != std::string::npos && (text[opening] == '[' || text[opening] == '{')) {
    JsonLimits limits;
    limits.bytes = most_bytes;
    const nlohmann::json list = read_json_file(path, limits);
    if (!list.is_array())
      throw InputError(fmt::format("{}: expected a list of pairs [first, end], found an object", path));
    for (const nlohmann::json& entry : list) {
      const std::string where = fmt::format("{}: entry {}", path, ranges.size());
      const auto number = [](const nlohmann::json& j) {
        return j.is_number_integer() && j >= 0 && j <= std::numeric_limits<int>::max();
      };
      if (!entry.is_array() || entry.size() != 2 || !number(entry[0]) || !number(entry[1]))
        throw InputError(fmt::format("{}: expected a pair [first, end] of input numbers, found {}", where,
                                     entry.dump().substr(0, 60)));
      const std::pair<int, int> range{entry[0].get<int>(), entry[1].get<int>()};
      check_range(range, ranges.empty() ? 0 : ranges.back().second, where);
      ranges.push_back(range);
    }
  } else {
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      line = line.substr(0, line.find('#'));
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const std::string where = fmt::format("{}:{}", path, number);
      const std::pair<int, int> range = read_range_line(line, where);
      check_range(range, ranges.empty() ? 0 : ranges.back().second, where);
      ranges.push_back(range);
    }
  }
  if (ranges.empty())
    throw InputError(fmt::format(
        "{}: contains no range; add [first, end) of input numbers, or use the schedule kind \"never\"",
        path));
  return ranges;
}

std::vector<std::pair<int, int>> on_ranges_of(const std::vector<bool>& on) {
  std::vector<std::pair<int, int>> ranges;
  for (size_t n = 0; n < on.size(); ++n) {
    if (!on[n]) continue;
    if (n == 0 || !on[n - 1]) ranges.emplace_back(static_cast<int>(n), static_cast<int>(n));
    ranges.back().second = static_cast<int>(n) + 1;
  }
  return ranges;
}

std::vector<bool> make_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed) {
  if (inputs < 0)
    throw InputError(fmt::format("schedule: {} inputs: the number must not be negative", inputs));
  if (spec.kind != "list" && !spec.on_ranges.empty())
    throw InputError(fmt::format("schedule: on_ranges applies to kind \"list\", not \"{}\"", spec.kind));
  if (spec.kind == "random") return random_schedule(spec, inputs, seed);
  if (spec.kind == "always") return std::vector<bool>(static_cast<size_t>(inputs), true);
  if (spec.kind == "never") return std::vector<bool>(static_cast<size_t>(inputs), false);
  if (spec.kind == "list") return listed_schedule(spec, inputs);
  if (spec.kind == "time") return timed_schedule(spec, inputs);
  throw InputError(
      fmt::format("schedule: kind \"{}\" is unknown; known: random, always, never, list, time", spec.kind));
}

}  // namespace alertbench
