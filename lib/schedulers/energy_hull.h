// The settings of a machine that a mix of two of them cannot beat: the lower convex hull of power over speed.
// Time shared between the two neighbours of a speed on the hull gives that speed with the least energy.
#pragma once

#include <cstddef>
#include <vector>

namespace alertbench {

class EnergyHull {
 public:
  struct Pair {
    int lower = 0, upper = 0;  // settings; the same one if it has just that speed, or at the ends
  };

  explicit EnergyHull(size_t settings);

  // speed and power [setting], finite and above 0, in any order. Of equally fast settings the one with the
  // least power counts, then the first. Points on a straight line stay. No allocation.
  void build(const std::vector<double>& speed, const std::vector<double>& power);

  // The neighbours of `speed` on the hull, by binary search. Beyond an end both are that end.
  Pair around(double speed) const;
  double highest_speed() const { return speed_.back(); }
  const std::vector<int>& settings() const { return setting_; }  // on the hull, slowest first

 private:
  std::vector<int> order_, setting_;
  std::vector<double> speed_;  // of setting_
};

}  // namespace alertbench
