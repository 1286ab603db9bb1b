#include "scenario/arrival_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "base/console.h"
#include "base/error.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text_file.h"

namespace alertbench {

using nlohmann::ordered_json;

namespace {

constexpr size_t longest_line = 4096;
constexpr int most_columns = 1000;
constexpr double latest_s = 1e12;  // times of day since 1970 are 2e9

// The values of a line of a table.
std::vector<std::string_view> values_of(std::string_view line) {
  constexpr std::string_view between = " \t\r,;";
  std::vector<std::string_view> values;
  for (size_t begin = line.find_first_not_of(between); begin != std::string_view::npos;
       begin = line.find_first_not_of(between, begin)) {
    const size_t end = std::min(line.find_first_of(between, begin), line.size());
    values.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return values;
}

double read_time(std::string_view text, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(value) <= latest_s))
    throw InputError(
        fmt::format("{}: \"{}\" is not a time in seconds; put a finite number there, or # in front of a line "
                    "that is none",
                    where, printable(std::string(text.substr(0, 60)))));
  return value;
}

void check_order(const std::vector<double>& times_s, double next_s, const std::string& where) {
  if (!times_s.empty() && next_s < times_s.back())
    throw InputError(
        fmt::format("{}: {} s is earlier than the time before it, {} s; sort the times, which are those of "
                    "inputs in order",
                    where, next_s, times_s.back()));
}

std::string beside(const std::string& scenario_path, const std::string& path) {
  return (std::filesystem::path(scenario_path).parent_path() / path).lexically_normal().string();
}

void read_poisson(JsonReader& r, ArrivalSpec& spec) {
  spec.mean_period_s = r.optional_number("mean_period_s", 1e-6, 3600);
  spec.mean_period_x = r.optional_number("mean_period_x", 1e-3, 1e3);
  if (spec.mean_period_s.has_value() == spec.mean_period_x.has_value())
    r.fail("mean_period_s",
           "set exactly one of mean_period_s (seconds) and mean_period_x (times the reference latency)");
}

void read_times(JsonReader& r, const std::string& scenario_path, size_t most, ArrivalSpec& spec) {
  spec.speed = r.number("speed", spec.speed, 1e-6, 1e6);
  if (spec.kind == "file") {
    std::optional<int> column;
    if (r.has("column")) column = r.integer("column", 0, most_columns);
    spec.read_from = beside(scenario_path, r.text("path"));
    spec.times_s = read_arrival_times(spec.read_from, column, most);
    spec.sha256 = hash_file(spec.read_from).sha256;
    spec.kind = "list";
    return;
  }
  for (const double t : r.numbers("times_s", -latest_s, latest_s)) {
    check_order(spec.times_s, t, fmt::format("{}: times_s[{}]", r.where(), spec.times_s.size()));
    spec.times_s.push_back(t);
  }
  spec.times_s.resize(std::min(spec.times_s.size(), most));
  spec.read_from = r.text("read_from", "");
  spec.sha256 = r.text("sha256", "");
}

}  // namespace

ArrivalSpec ArrivalSpec::read(JsonReader& scenario, const std::string& scenario_path, int inputs) {
  ArrivalSpec spec;
  if (!scenario.has("arrivals")) return spec;
  if (!scenario.raw("arrivals").is_object()) {
    spec.kind = scenario.one_of("arrivals", spec.kind, {"closed", "open"});
    return spec;
  }
  JsonReader r = scenario.object("arrivals");
  spec.kind = r.one_of("kind", "", {"closed", "open", "poisson", "file", "list"});
  const auto most = static_cast<size_t>(inputs) + 1;
  if (spec.kind == "poisson") read_poisson(r, spec);
  if (spec.kind == "file" || spec.kind == "list") read_times(r, scenario_path, most, spec);
  r.finish();
  if (spec.kind == "list" && spec.times_s.size() < static_cast<size_t>(inputs))
    throw InputError(fmt::format("{}: {} arrival times for {} inputs; add times, or use --inputs {}",
                                 spec.read_from.empty() ? r.where() + ": times_s" : spec.read_from,
                                 spec.times_s.size(), inputs, spec.times_s.size()));
  return spec;
}

ordered_json ArrivalSpec::to_json() const {
  if (!timed()) return kind;
  ordered_json j = {{"kind", kind}};
  if (mean_period_s) j["mean_period_s"] = *mean_period_s;
  if (mean_period_x) j["mean_period_x"] = *mean_period_x;
  if (kind == "list") {
    j["times_s"] = times_s;
    j["speed"] = speed;
  }
  if (!read_from.empty()) j.update({{"read_from", read_from}, {"sha256", sha256}});
  return j;
}

Arrivals ArrivalSpec::resolve(const Profile& profile, int64_t inputs, uint64_t seed) const {
  if (!timed()) return kind == "open" ? Arrivals::open : Arrivals::closed;
  std::vector<double> at_s;
  if (kind == "poisson") {
    const double mean_s = mean_period_s ? *mean_period_s : *mean_period_x * profile.reference_latency_s();
    Random random(seed);
    double t = 0;
    for (int64_t n = 0; n <= inputs; ++n) {
      at_s.push_back(t);
      t -= mean_s * std::log1p(-random.uniform());
    }
  } else {
    if (static_cast<int64_t>(times_s.size()) < inputs)
      throw InputError(fmt::format("arrivals: {} times for {} inputs; state a time for each of them",
                                   times_s.size(), inputs));
    const size_t most = std::min(times_s.size(), static_cast<size_t>(inputs) + 1);
    for (size_t n = 0; n < most; ++n) at_s.push_back((times_s[n] - times_s[0]) / speed);
  }
  return Arrivals::at(std::move(at_s));
}

void refuse_timed_groups(const std::string& where) {
  throw InputError(
      where +
      ": arrivals: inputs of this workload share deadlines (the words of a sentence), and a sentence has no "
      "arrival time of its own; use \"closed\" or \"open\", for example --set arrivals=open");
}

std::vector<double> read_arrival_times(const std::string& path, std::optional<int> column, size_t most) {
  std::vector<double> times_s;
  LineReader lines(path, longest_line);
  for (std::string line; lines.next(line) && times_s.size() < most;) {
    const auto values = values_of(std::string_view(line).substr(0, line.find('#')));
    if (values.empty()) continue;
    const std::string where = fmt::format("{}:{}", path, lines.number());
    if (!column && values.size() > 1)
      throw InputError(fmt::format(
          "{}: {} values, expected one time in seconds; say which one it is with \"column\" (0: the first)",
          where, values.size()));
    const auto at = static_cast<size_t>(column.value_or(0));
    if (at >= values.size())
      throw InputError(fmt::format("{}: no column {}, only {} values; \"column\" counts from 0", where, at,
                                   values.size()));
    const double t = read_time(values[at], where);
    check_order(times_s, t, where);
    times_s.push_back(t);
  }
  if (times_s.empty())
    throw InputError(path +
                     ": contains no time; write the seconds at which each input arrives, one on a line");
  return times_s;
}

}  // namespace alertbench
