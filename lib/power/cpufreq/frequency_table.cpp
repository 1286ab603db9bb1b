#include "power/cpufreq/frequency_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

constexpr size_t most_points = 10'000;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw InputError(fmt::format("{}: {}", where, what));
}

}  // namespace

FrequencyTable::FrequencyTable(std::vector<FrequencyPoint> points, const std::string& where)
    : where_(where), points_(std::move(points)) {
  if (points_.empty()) fail(where, "has no pairs; set at least one [cap_w, frequency_mhz], or omit the key");
  for (size_t i = 0; i < points_.size(); ++i)
    for (const auto& [name, member] :
         {std::pair{"cap_w", &FrequencyPoint::cap_w}, {"frequency_mhz", &FrequencyPoint::frequency_mhz}}) {
      const double now = points_[i].*member;
      if (!std::isfinite(now) || now <= 0)
        fail(where, fmt::format("pair {}: {} is {}; it must be a number above 0", i + 1, name, now));
      if (i > 0 && now <= points_[i - 1].*member)
        fail(where,
             fmt::format("pair {}: {} is {} after {}; watts and megahertz must both rise from pair to pair",
                         i + 1, name, now, points_[i - 1].*member));
    }
}

FrequencyTable FrequencyTable::read(const nlohmann::json& value, const std::string& where,
                                    const std::string& folder) {
  if (value.is_string()) {
    const std::string path =
        (std::filesystem::path(folder) / value.get<std::string>()).lexically_normal().string();
    const nlohmann::json document = read_json_file(path, {1 << 20, 4, 4 * most_points});
    if (document.is_string())
      fail(path, "contains a string; a frequency table is a list of [cap_w, frequency_mhz] pairs");
    return read(document, path, "");
  }
  if (!value.is_array())
    fail(where,
         fmt::format(
             "{}: expected a list of [cap_w, frequency_mhz] pairs, or the path of a JSON file with one",
             value.dump().substr(0, 80)));
  if (value.size() > most_points) fail(where, fmt::format("{} pairs; {} at most", value.size(), most_points));
  std::vector<FrequencyPoint> points;
  for (const auto& pair : value) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
      fail(where, fmt::format("pair {}: {}: expected [cap_w, frequency_mhz], as in [150, 1200]",
                              points.size() + 1, pair.dump().substr(0, 80)));
    points.push_back({pair[0].get<double>(), pair[1].get<double>()});
  }
  return FrequencyTable(std::move(points), where);
}

nlohmann::ordered_json FrequencyTable::to_json() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const FrequencyPoint& p : points_) all.push_back({p.cap_w, p.frequency_mhz});
  return all;
}

double FrequencyTable::frequency_for(double cap_w) const {
  const auto above =
      std::find_if(points_.begin(), points_.end(), [&](const FrequencyPoint& p) { return p.cap_w > cap_w; });
  if (above == points_.begin())
    fail(where_,
         points_.empty()
             ? "no frequency table"
             : fmt::format(
                   "a cap of {} W is below {} W, the power of the lowest frequency, {} MHz; raise caps_w, "
                   "or add a pair",
                   cap_w, points_.front().cap_w, points_.front().frequency_mhz));
  return std::prev(above)->frequency_mhz;
}

}  // namespace alertbench
