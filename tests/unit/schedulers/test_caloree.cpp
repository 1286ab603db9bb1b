#include <cmath>
#include <vector>

#include "catch.h"
#include "schedulers/caloree.h"
#include "schedulers/poet_controller.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

TEST_CASE("LEO learns what its authors' formulas say") {
  // Computed apart with numpy: the formulas of leo_learner.h with numpy.linalg.inv, for these three others,
  // the second and the fifth configuration sampled, after 1 and after 4 iterations.
  LeoLearner leo({{0.5, 0.8, 1, 1.2, 1.5}, {0.7, 0.9, 1, 1.1, 1.3}, {0.4, 0.7, 1.05, 1.3, 1.55}});
  const std::vector<double> values = {99, 0.75, -1, 0, 1.6};
  const std::vector<char> sampled = {0, 1, 0, 0, 1};
  const auto check = [&](int iterations, const std::vector<double>& mean, const std::vector<double>& sd) {
    leo.learn(values, sampled, iterations);
    INFO(iterations << " iterations");
    for (size_t c = 0; c < mean.size(); ++c) {
      CHECK(leo.mean()[c] == Approx(mean[c]).epsilon(0).margin(1e-8));
      CHECK(leo.sd()[c] == Approx(sd[c]).epsilon(0).margin(1e-8));
    }
  };
  check(4, {0.434372577, 0.728873366, 0.831409985, 0.982136551, 1.514576989},
        {1.00247626, 0.453785895, 1.044119324, 1.068672843, 0.465869674});
  check(1, {0.533333333, 0.775, 1.016666667, 1.2, 1.525}, {1, 0.707106781, 1, 1, 0.707106781});
}

TEST_CASE("LEO needs no samples, and follows those that it has") {
  std::vector<std::vector<double>> others;
  Random random(4);
  std::vector<double> shape;
  for (int c = 0; c < 13; ++c) shape.push_back(0.5 + c / 12.0);
  for (int l = 0; l < 20; ++l) {
    others.push_back(shape);
    for (double& y : others.back()) y *= 1 + 0.02 * random.normal();
  }
  LeoLearner leo(others);
  const std::vector<char> none(13, 0), all(13, 1);
  leo.learn(shape, none, 5);
  for (size_t c = 0; c < 13; ++c) CHECK(leo.mean()[c] == Approx(shape[c]).epsilon(0.15));
  std::vector<double> own = shape;
  for (double& y : own) y = std::sqrt(y);
  const double unsure = leo.sd()[6];
  leo.learn(own, all, 5);
  for (size_t c = 0; c < 13; ++c) CHECK(leo.mean()[c] == Approx(own[c]).epsilon(0.1));
  CHECK(leo.sd()[6] < 0.8 * unsure);
}

TEST_CASE("the lower hull of power over speed leaves out what a mix of others beats") {
  EnergyHull hull(6);
  // Setting 1 lies above the line from 0 to 2; 3 is as fast as 2 for more power; 5 is the slowest.
  hull.build({1, 1.5, 2, 2, 3, 0.5}, {1, 2.5, 2.6, 2.7, 5, 0.9});
  CHECK(hull.settings() == std::vector<int>{5, 0, 2, 4});
  CHECK(hull.highest_speed() == 3);
  const auto around = [&](double speed) {
    const EnergyHull::Pair p = hull.around(speed);
    return std::vector<int>{p.lower, p.upper};
  };
  CHECK(around(1.2) == std::vector<int>{0, 2});
  CHECK(around(2) == std::vector<int>{2, 2});
  CHECK(around(2.5) == std::vector<int>{2, 4});
  CHECK(around(0.1) == std::vector<int>{5, 5});
  CHECK(around(9) == std::vector<int>{4, 4});
}

TEST_CASE("sharing time on the hull costs what the best of all pairs costs") {
  Random random(8);
  for (int n = 0; n < 200; ++n) {
    std::vector<double> speed = {1}, power = {random.uniform(30, 50)};
    for (int c = 1; c < 8; ++c) {
      speed.push_back(random.uniform(1, 4));
      power.push_back(random.uniform(30, 120));
    }
    EnergyHull hull(8);
    hull.build(speed, power);
    const auto cost = [&](int lower, int upper, double u) {
      const auto l = static_cast<size_t>(lower), h = static_cast<size_t>(upper);
      const double time = speed[h] > speed[l] ? (speed[h] - u) / (speed[h] - speed[l]) : 0;
      return time * power[l] + (1 - time) * power[h];
    };
    const double u = random.uniform(1, hull.highest_speed());
    double least = 1e100;
    for (int lower = 0; lower < 8; ++lower)
      for (int upper = 0; upper < 8; ++upper)
        if (speed[static_cast<size_t>(lower)] <= u && speed[static_cast<size_t>(upper)] >= u)
          least = std::min(least, cost(lower, upper, u));
    const EnergyHull::Pair pair = hull.around(u);
    CHECK(cost(pair.lower, pair.upper, u) == Approx(least));
  }
}

TEST_CASE("CALOREE's controller on a table that is all hull is POET") {
  const std::vector<double> speedup = {1, 1.5, 2, 3}, power_w = {10, 17, 26, 50};
  Random random(2);
  for (const double pole : {0.0, 0.4}) {
    PoetSettings settings;
    settings.window = 20;
    settings.pole_1 = pole;
    settings.base_speed = 8;
    PoetController poet(speedup, power_w, settings);
    CaloreeController caloree(4, 20);
    caloree.set_table(speedup, power_w, pole, 1);
    caloree.start(8);
    int differ = 0;
    for (int i = 0; i < 600; ++i) {
      const double deadline_s = i < 300 ? 0.07 : 0.05;
      const int cap = caloree.cap(deadline_s);
      differ += cap != poet.cap(deadline_s);
      const double latency_s = random.uniform(0.08, 0.12) / speedup[static_cast<size_t>(cap)];
      poet.observe(latency_s);
      caloree.observe(latency_s);
    }
    CHECK(differ == 0);
    CHECK(caloree.speedup() == Approx(poet.speedup()));
    CHECK(caloree.base_speed() == Approx(poet.base_speed()));
  }
}

TEST_CASE("CALOREE's pole makes it converge where speeds are wrong nearly four times over") {
  // A machine 3.9 times as fast as the table says, and a filter that stands still: the law alone is tested.
  // The pole for Delta = 4 is 1 - 2/4.
  const auto spread = [](double pole) {
    std::vector<double> speedup, power_w;
    for (int c = 0; c < 400; ++c) {
      speedup.push_back(1 + 0.25 * c);
      power_w.push_back(10 * speedup.back());
    }
    BaseSpeedConstants still;
    still.variance = still.process_noise = 0;
    CaloreeController caloree(speedup.size(), 1, still);
    caloree.set_table(speedup, power_w, pole, 1);
    caloree.start(1);
    double lowest = 1e9, highest = 0;
    for (int i = 0; i < 500; ++i) {
      caloree.observe(1 / (3.9 * caloree.speedup()));
      caloree.cap(1.0 / 100);
      if (i > 450)
        lowest = std::min(lowest, caloree.speedup()), highest = std::max(highest, caloree.speedup());
    }
    return highest - lowest;
  };
  CHECK(spread(0) > 10);
  CHECK(spread(0.5) < 1e-6);
}

TEST_CASE("caloree samples, learns, and keeps the mean rate without its network's profile") {
  // Four networks whose speed depends on the cap to the power 0.5 to 1; the profile of the one that runs is
  // wrong.
  Profile p = profile_of({{"own", {0.9}, {0.1}},
                          {"a", {0.5}, {0.01}},
                          {"b", {0.6}, {0.02}},
                          {"c", {0.7}, {0.03}},
                          {"d", {0.8}, {0.04}}},
                         {40, 55, 70, 85, 100});
  Profile misled = p;
  for (int c = 0; c < p.caps(); ++c) misled.latency[static_cast<size_t>(c)] = {0.1, 0.1, 0.1, 0.1, 0};
  const Goals goals = min_energy(0.15, 0.5);
  const TruthTable t = truth_of(p, std::vector<double>(600, 1.1));
  auto scheduler = make_scheduler("caloree", {misled, goals}, json::object(), "t");
  std::vector<int> caps;
  double busy_s = 0;
  for (int64_t n = 0; n < t.inputs; ++n) {
    const Context context{n, goals.deadline_s, goals.deadline_s};
    const Configuration c = scheduler->decide(context);
    const Outcome o = outcome_of(t, p, c, context);
    scheduler->observe(observation_of(c, context, o, 0));
    CHECK(c.model == 0);
    caps.push_back(c.cap);
    if (n >= 300) busy_s += o.busy_s / 300;
  }
  CHECK(std::vector<int>(caps.begin(), caps.begin() + 4) == std::vector<int>{4, 3, 2, 0});
  CHECK(busy_s == Approx(0.15).epsilon(0.05));
}

TEST_CASE("caloree with a single network has nothing to learn from, and uses its profile") {
  const Profile p = profile_of({{"large", {0.8}, {0.1}}}, {40, 60, 80, 100});
  const TruthTable t = truth_of(p, std::vector<double>(200, 1.0));
  const Run r = run("caloree", p, t, min_energy(0.15, 0.5));
  for (size_t i = 0; i < 20; ++i) CHECK(r.configurations[i].cap == 3);
  double busy_s = 0;
  for (size_t i = 100; i < 200; ++i) busy_s += r.outcomes[i].busy_s / 100;
  CHECK(busy_s == Approx(0.15).epsilon(0.03));
  const Profile one_cap = profile_of({{"a", {0.8}, {0.1}}, {"b", {0.7}, {0.05}}}, {100});
  for (const Configuration& c :
       run("caloree", one_cap, truth_of(one_cap, std::vector<double>(100, 1.0)), min_energy(0.15, 0.5))
           .configurations)
    CHECK(c == Configuration{0, 1, 0});
}

TEST_CASE("caloree takes whatever it observes") {
  const Profile p = mixed();
  const Goals goals = min_energy(0.15, 0.5);
  const double strange[] = {0, -1, std::nan(""), HUGE_VAL, 5e-324, 1e-308, 1e308, 1e-12, 1e12, 0.1, 0.2};
  Random random(6);
  int wrong = 0;
  for (int n = 0; n < 50; ++n) {
    auto scheduler =
        make_scheduler("caloree", {p, goals}, {{"window", 1 + n % 3}, {"relearn", 1 + n % 5}}, "t");
    for (int64_t i = 0; i < 100; ++i) {
      const auto any = [&] { return strange[random.below(std::size(strange))]; };
      const Configuration c = scheduler->decide({i, any(), 0.1});
      wrong += c.model != 1 || c.cap < 0 || c.cap > 3;
      Observation o;
      o.configuration = c;
      o.stages_finished = 1;
      o.last_stage_end_s = o.busy_s = any();
      o.energy_j = any();
      o.idle_power_w = any();
      scheduler->observe(o);
    }
  }
  CHECK(wrong == 0);
}
