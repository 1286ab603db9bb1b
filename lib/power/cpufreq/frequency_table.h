// Which frequency stays within which power. It stands in for a power limit on hardware that takes a frequency
// but no limit.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct FrequencyPoint {
  double cap_w = 0;  // what is drawn at this frequency, at most
  double frequency_mhz = 0;
};

class FrequencyTable {
 public:
  FrequencyTable() = default;
  // Watts and megahertz must be positive, finite and rising from pair to pair, and there must be a pair.
  // InputError begins with `where` (file and key) and names pair, value and remedy.
  FrequencyTable(std::vector<FrequencyPoint> points, const std::string& where);

  // A list of [cap_w, frequency_mhz] pairs, or the path of a JSON file that holds such a list; a relative
  // path counts from `folder` (empty: the current one). InputError.
  static FrequencyTable read(const nlohmann::json& value, const std::string& where,
                             const std::string& folder);
  nlohmann::ordered_json to_json() const;  // the list of pairs; read() takes it again

  bool empty() const { return points_.empty(); }
  const std::vector<FrequencyPoint>& points() const { return points_; }
  // The highest frequency whose power is at most the cap. InputError if even the lowest one needs more.
  double frequency_for(double cap_w) const;

 private:
  std::string where_;
  std::vector<FrequencyPoint> points_;
};

}  // namespace alertbench
