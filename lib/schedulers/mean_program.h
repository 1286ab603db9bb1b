// The linear program that the oracles solve for mean goals. It chooses one option for every item, such that
//     sum of cost is least,   sum of value >= value_goal,   sum of late <= late_allowed.
// It is solved by its Lagrangian dual. With a price on value and one on lateness, every item chooses its
// option independently (the least cost - value_price * value + late_price * late), so the dual is a lower
// bound for every choice of options, and for every random mixture of them. At the best prices, only a handful
// of items lie between two options. Rounding those so that the goals are met costs at most about one item's
// step, which is the remaining gap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace alertbench {

struct Option {
  double cost = 0, value = 0, late = 0;
  int id = 0;  // the caller's own
};

struct Prices {
  double value = 0, late = 0;
};

// cost - value_price * value + late_price * late.
inline double priced(const Option& o, const Prices& p) {
  return o.cost - p.value * o.value + p.late * o.late;
}

// Returns the options that are best at some price on value, ordered by increasing value, with `late_price`
// included in the cost. The first one has the least cost, and each following one costs more per unit of added
// value than the one before.
std::vector<Option> lower_hull(const std::vector<Option>& options, double late_price);

struct MeanSolution {
  bool feasible = false;  // whether the chosen options meet both constraints
  Prices prices;          // of the best dual found
  double bound = 0;  // the dual at these prices: no choice that meets the constraints has a lower total cost
  double cost = 0, value = 0, late = 0;  // sums over the chosen options
  std::vector<int> chosen;               // id of the option of each item
};

class MeanProgram {
 public:
  void clear();
  // Needs at least one option. Options in order of decreasing value need not be sorted again.
  void add_item(const std::vector<Option>& options);
  size_t items() const { return begin_.size(); }

  // If no choice meets the constraints, returns the nearest one: least lateness first, then most value.
  MeanSolution solve(double value_goal, double late_allowed);

 private:
  struct HullPoint {
    double value, cost;  // late price included
    uint32_t option;
  };
  struct Segment {
    double slope, value;  // cost per value, and value, of a step to the next point of a hull
  };
  void build_hulls(double late_price);
  MeanSolution solve_at(double late_price, double value_goal, double late_allowed);

  std::vector<Option> options_;
  std::vector<uint32_t> begin_;       // of each item's options
  std::vector<HullPoint> hull_;       // lower convex hull of each item's options, by rising value
  std::vector<uint32_t> hull_begin_;  // one more than items
  std::vector<Segment> segments_;     // scratch
};

}  // namespace alertbench
