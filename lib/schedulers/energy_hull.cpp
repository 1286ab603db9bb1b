#include "schedulers/energy_hull.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace alertbench {

EnergyHull::EnergyHull(size_t settings) : order_(settings) {
  setting_.reserve(settings);
  speed_.reserve(settings);
}

void EnergyHull::build(const std::vector<double>& speed, const std::vector<double>& power) {
  const auto s = [&](int i) { return speed[static_cast<size_t>(i)]; };
  const auto p = [&](int i) { return power[static_cast<size_t>(i)]; };
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(),
            [&](int a, int b) { return std::make_tuple(s(a), p(a), a) < std::make_tuple(s(b), p(b), b); });
  setting_.clear();
  for (const int next : order_) {
    if (!setting_.empty() && s(next) == s(setting_.back())) continue;
    // Drops a point that lies above the line from the one before it to the next one.
    while (setting_.size() >= 2) {
      const int a = setting_[setting_.size() - 2], b = setting_.back();
      if ((p(b) - p(a)) * (s(next) - s(a)) <= (p(next) - p(a)) * (s(b) - s(a))) break;
      setting_.pop_back();
    }
    setting_.push_back(next);
  }
  speed_.clear();
  for (const int i : setting_) speed_.push_back(s(i));
}

EnergyHull::Pair EnergyHull::around(double speed) const {
  const auto upper = std::lower_bound(speed_.begin(), speed_.end(), speed);
  if (upper == speed_.end()) return {setting_.back(), setting_.back()};
  const auto at = static_cast<size_t>(upper - speed_.begin());
  if (at == 0 || *upper == speed) return {setting_[at], setting_[at]};
  return {setting_[at - 1], setting_[at]};
}

}  // namespace alertbench
