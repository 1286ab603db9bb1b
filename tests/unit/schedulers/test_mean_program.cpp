// The programme behind the oracles for mean goals, against all choices of small ones.
#include <cmath>

#include "base/random.h"
#include "catch.h"
#include "schedulers/mean_program.h"

using namespace alertbench;

TEST_CASE("the bound is below every choice that keeps the goals, and the choice found close to it",
          "[mean-program]") {
  Random random(3);
  int feasible = 0, optimal = 0;
  for (int round = 0; round < 1500; ++round) {
    const size_t items = 1 + random.below(5), count = 1 + random.below(4);
    const bool negative = round % 2;  // values of the other sign, as energies are
    MeanProgram program;
    std::vector<std::vector<Option>> all;
    double widest = 0;
    for (size_t i = 0; i < items; ++i) {
      std::vector<Option> options;
      for (size_t k = 0; k < count; ++k)
        // On a grid, so that there are ties.
        options.push_back({std::round(8 * random.uniform(0, 1)) / 8,
                           std::round(8 * random.uniform(0, 1)) / 8 - negative,
                           random.uniform(0, 1) < 0.2 ? 1.0 : 0.0, static_cast<int>(k)});
      double low = 1, high = 0;
      for (const Option& o : options) low = std::min(low, o.cost), high = std::max(high, o.cost);
      widest = std::max(widest, high - low);
      program.add_item(options);
      all.push_back(options);
    }
    const double goal = (random.uniform(0, 1) - negative) * static_cast<double>(items),
                 allowed = static_cast<double>(random.below(3));
    const MeanSolution s = program.solve(goal, allowed);
    REQUIRE(s.chosen.size() == items);

    double best = INFINITY;
    const auto total = static_cast<size_t>(std::pow(count, items));
    for (size_t c = 0; c < total; ++c) {
      double cost = 0, value = 0, late = 0;
      for (size_t i = 0, rest = c; i < items; ++i, rest /= count) {
        const Option& o = all[i][rest % count];
        cost += o.cost, value += o.value, late += o.late;
      }
      if (value >= goal - 1e-9 && late <= allowed + 1e-9) best = std::min(best, cost);
    }
    CAPTURE(round, goal, allowed, s.cost, s.bound, best);
    if (!std::isfinite(best)) {
      CHECK_FALSE(s.feasible);
      continue;
    }
    CHECK(s.bound <= best + 1e-9);
    if (!s.feasible) continue;
    ++feasible;
    CHECK(s.cost >= best - 1e-9);
    optimal += s.cost <= best + 1e-9;
    CHECK(s.cost - s.bound <= 3 * widest + 1e-9);
  }
  CHECK(feasible > 800);
  CHECK(optimal > feasible * 7 / 10);
}

TEST_CASE("a programme of many items closes its gap", "[mean-program]") {
  Random random(4);
  MeanProgram program;
  for (int i = 0; i < 2000; ++i) {
    std::vector<Option> options;
    for (int k = 0; k < 6; ++k) {
      const double value = (k + random.uniform(0, 1)) / 7;
      options.push_back({value * value + 0.1 * random.uniform(0, 1), value, 0, k});
    }
    options.push_back({0, 0, 1, 6});
    program.add_item(options);
  }
  const MeanSolution s = program.solve(2000 * 0.5, 200);
  REQUIRE(s.feasible);
  CHECK(s.prices.value > 0);
  CHECK(s.late <= 200);
  CHECK(s.cost >= s.bound);
  CHECK(s.cost - s.bound < 2e-3 * s.bound);
}

TEST_CASE("what cannot be reached is come near to, and no item is no programme", "[mean-program]") {
  MeanProgram program;
  CHECK(program.solve(0, 0).feasible);
  program.add_item({{1, 0.5, 0, 7}, {2, 0.75, 0, 8}});
  const MeanSolution s = program.solve(5, 0);
  CHECK_FALSE(s.feasible);
  CHECK(s.chosen == std::vector<int>{8});
  program.add_item({{1, 9, 1, 3}});
  CHECK_FALSE(program.solve(0, 0).feasible);
}

TEST_CASE("the hull of options", "[mean-program]") {
  const std::vector<Option> options = {{3, 3, 0, 0},   {1, 1, 0, 1}, {2.5, 2, 0, 2},
                                       {5, 3.5, 0, 3}, {4, 1, 0, 4}, {1, 0.5, 0, 5}};
  std::vector<int> ids;
  for (const Option& o : lower_hull(options, 0)) ids.push_back(o.id);
  CHECK(ids == std::vector<int>{1, 0, 3});
  ids.clear();
  for (const Option& o : lower_hull({{1, 1, 1, 0}, {2, 1, 0, 1}}, 5)) ids.push_back(o.id);
  CHECK(ids == std::vector<int>{1});
}
