#include "schedulers/mean_program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alertbench {
namespace {

// Sums of some thousand values are exact to about this share; a goal that is missed by less is kept.
constexpr double rounding = 1e-12;

double slope_of(double value, double cost, double next_value, double next_cost) {
  return (next_cost - cost) / (next_value - value);
}

}  // namespace

void MeanProgram::clear() {
  options_.clear();
  begin_.clear();
}

void MeanProgram::add_item(const std::vector<Option>& options) {
  begin_.push_back(static_cast<uint32_t>(options_.size()));
  options_.insert(options_.end(), options.begin(), options.end());
}

namespace {

// `points`: of one item; sorted here. Appends its hull, by rising value. From the most value down: only what
// costs less than everything above it, and keeps the slopes falling.
template <class Point>
void append_hull(std::vector<Point>& points, std::vector<Point>& hull) {
  const auto before = [](const Point& a, const Point& b) {
    return a.value != b.value ? a.value > b.value : a.cost < b.cost;
  };
  if (!std::is_sorted(points.begin(), points.end(), before)) std::sort(points.begin(), points.end(), before);
  const size_t first = hull.size();
  for (const Point& p : points) {
    if (hull.size() > first && p.cost >= hull.back().cost) continue;
    while (hull.size() >= first + 2) {
      const Point &a = hull[hull.size() - 2], &b = hull.back();
      if (slope_of(p.value, p.cost, b.value, b.cost) < slope_of(b.value, b.cost, a.value, a.cost)) break;
      hull.pop_back();
    }
    hull.push_back(p);
  }
  std::reverse(hull.begin() + static_cast<std::ptrdiff_t>(first), hull.end());
}

struct IndexedPoint {
  double value, cost;
  size_t option;
};

}  // namespace

std::vector<Option> lower_hull(const std::vector<Option>& options, double late_price) {
  std::vector<IndexedPoint> points, hull;
  for (size_t k = 0; k < options.size(); ++k)
    points.push_back({options[k].value, options[k].cost + late_price * options[k].late, k});
  append_hull(points, hull);
  std::vector<Option> best;
  for (const IndexedPoint& p : hull) best.push_back(options[p.option]);
  return best;
}

void MeanProgram::build_hulls(double late_price) {
  hull_.clear();
  hull_begin_.clear();
  std::vector<HullPoint> points;
  for (size_t i = 0; i < begin_.size(); ++i) {
    hull_begin_.push_back(static_cast<uint32_t>(hull_.size()));
    const size_t end = i + 1 < begin_.size() ? begin_[i + 1] : options_.size();
    points.clear();
    for (size_t k = begin_[i]; k < end; ++k)
      points.push_back(
          {options_[k].value, options_[k].cost + late_price * options_[k].late, static_cast<uint32_t>(k)});
    append_hull(points, hull_);
  }
  hull_begin_.push_back(static_cast<uint32_t>(hull_.size()));
}

MeanSolution MeanProgram::solve_at(double late_price, double value_goal, double late_allowed) {
  build_hulls(late_price);
  const size_t n = items();
  double value = 0, most = 0;
  segments_.clear();
  for (size_t i = 0; i < n; ++i) {
    value += hull_[hull_begin_[i]].value;
    for (size_t k = hull_begin_[i]; k + 1 < hull_begin_[i + 1]; ++k) {
      segments_.push_back({slope_of(hull_[k].value, hull_[k].cost, hull_[k + 1].value, hull_[k + 1].cost),
                           hull_[k + 1].value - hull_[k].value});
      most += segments_.back().value;
    }
  }
  // The slope at which the steps below it no longer reach the goal: the price of value. By selection, not by
  // sorting.
  const double tolerance = rounding * std::abs(value_goal);
  double price = 0;
  const bool reachable = value + most >= value_goal - tolerance;
  if (!reachable) {
    price = infinity;
  } else if (double need = value_goal - value; need > tolerance) {
    size_t low = 0, high = segments_.size();
    while (high - low > 1) {
      const size_t middle = low + (high - low) / 2;
      std::nth_element(segments_.begin() + static_cast<std::ptrdiff_t>(low),
                       segments_.begin() + static_cast<std::ptrdiff_t>(middle),
                       segments_.begin() + static_cast<std::ptrdiff_t>(high),
                       [](const Segment& a, const Segment& b) { return a.slope < b.slope; });
      double below = 0;
      for (size_t k = low; k < middle; ++k) below += segments_[k].value;
      if (below >= need)
        high = middle;
      else
        need -= below, low = middle;
    }
    price = segments_[low].slope;
  }

  MeanSolution s;
  s.prices = {price, late_price};
  std::vector<uint32_t> at(n);  // of each item on its hull
  double missing = value_goal - value;
  for (size_t i = 0; i < n; ++i) {
    at[i] = hull_begin_[i];
    while (at[i] + 1 < hull_begin_[i + 1]) {
      const HullPoint &a = hull_[at[i]], &b = hull_[at[i] + 1];
      if (!(slope_of(a.value, a.cost, b.value, b.cost) < price)) break;
      missing -= b.value - a.value;
      ++at[i];
    }
  }
  double dual = reachable ? price * value_goal - late_price * late_allowed : infinity;
  for (size_t i = 0; i < n && reachable; ++i) dual += hull_[at[i]].cost - price * hull_[at[i]].value;
  s.bound = dual;
  // Items between two options at this price: as many of them up as the goal needs.
  for (size_t i = 0; i < n && missing > tolerance; ++i)
    while (missing > tolerance && at[i] + 1 < hull_begin_[i + 1]) {
      const HullPoint &a = hull_[at[i]], &b = hull_[at[i] + 1];
      if (slope_of(a.value, a.cost, b.value, b.cost) > price) break;
      missing -= b.value - a.value;
      ++at[i];
    }
  // What the last step brought too much, other steps may give back.
  for (bool found = true; found && missing < -tolerance;) {
    found = false;
    size_t item = 0;
    double saved = 0;
    for (size_t i = 0; i < n; ++i) {
      if (at[i] == hull_begin_[i]) continue;
      const HullPoint &a = hull_[at[i] - 1], &b = hull_[at[i]];
      if (b.value - a.value <= -missing && b.cost - a.cost > saved)
        saved = b.cost - a.cost, item = i, found = true;
    }
    if (found) missing += hull_[at[item]].value - hull_[at[item] - 1].value, --at[item];
  }
  s.chosen.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const Option& o = options_[hull_[at[i]].option];
    s.chosen[i] = o.id;
    s.cost += o.cost, s.value += o.value, s.late += o.late;
  }
  s.feasible = s.value >= value_goal - tolerance && s.late <= late_allowed * (1 + rounding);
  return s;
}

MeanSolution MeanProgram::solve(double value_goal, double late_allowed) {
  constexpr int halvings = 48;
  MeanSolution best = solve_at(0, value_goal, late_allowed);
  if (best.feasible || items() == 0) return best;
  if (best.late <= late_allowed) return best;  // not enough value at any price
  double bound = best.bound;
  Prices prices = best.prices;
  const auto take = [&](MeanSolution s) {
    if (s.bound > bound) bound = s.bound, prices = s.prices;
    const bool better = s.feasible != best.feasible ? s.feasible
                        : s.feasible                ? s.cost < best.cost
                                                    : s.late < best.late;
    if (better) best = std::move(s);
  };
  double scale = 0;
  for (const Option& o : options_) scale = std::max(scale, std::abs(o.cost));
  double low = 0, high = std::max(scale, 1e-300);
  // Beyond this a late item costs more than all others together can save.
  const double most = high * 4 * static_cast<double>(items());
  while (true) {
    MeanSolution s = solve_at(high, value_goal, late_allowed);
    const bool enough = s.late <= late_allowed;
    take(std::move(s));
    if (enough || high > most) break;
    low = high, high *= 4;
  }
  for (int k = 0; k < halvings && high - low > 1e-12 * high; ++k) {
    const double middle = 0.5 * (low + high);
    MeanSolution s = solve_at(middle, value_goal, late_allowed);
    (s.late <= late_allowed ? high : low) = middle;
    take(std::move(s));
  }
  best.bound = bound;
  best.prices = prices;
  return best;
}

}  // namespace alertbench
