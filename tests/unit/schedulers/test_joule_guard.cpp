#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "schedulers/joule_guard.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using Catch::Matchers::ContainsSubstring;

namespace {

// Slowest under the lowest cap, but by far the most efficient there.
Profile steep() {
  Profile p =
      profile_of({{"a", {0.5}, {0.02}}, {"b", {0.6}, {0.03}}, {"c", {0.7}, {0.05}}, {"d", {0.8}, {0.08}}},
                 {40, 60, 80, 100});
  p.idle_power_w = 20;
  for (size_t i = 0; i < p.latency.size(); ++i)
    p.latency[i].mean_s = p.latency[i / 4 * 4 + 3].mean_s / std::vector<double>{0.7, 0.85, 0.95, 1}[i % 4];
  return p;
}

// Inputs of a run, with everything the scheduler is told.
double mean_energy_j(const Profile& p, const Goals& goals, const std::vector<double>& slowdown,
                     const nlohmann::json& settings, int64_t warmup = 0) {
  SchedulerInputs inputs{p, goals};
  const TruthTable t = truth_of(p, slowdown);
  inputs.total_inputs = t.inputs;
  inputs.first_judged = warmup;
  auto scheduler = make_scheduler("jouleguard", inputs, settings, "test");
  double sum_j = 0;
  for (int64_t n = 0; n < t.inputs; ++n) {
    const Context context{n, goals.deadline_s, goals.deadline_s};
    const Configuration c = scheduler->decide(context);
    const Outcome o = outcome_of(t, p, c, context);
    scheduler->observe(observation_of(c, context, o, 0));
    if (n >= warmup) sum_j += *o.energy_j;
  }
  return sum_j / static_cast<double>(t.inputs - warmup);
}

}  // namespace

TEST_CASE("jouleguard spends the budget of the run, no more and hardly less", "[jouleguard]") {
  const Profile p = steep();
  // At its best cap (40 W: 20 W above idle at 0.7 of the speed), the networks take between 2.57 and 4.29 J.
  for (const double budget_j : {2.8, 3.2, 3.9})
    for (const char* start : {"optimistic", "profile"})
      for (const double slow : {0.9, 1.0}) {
        const Goals goals = min_error(0.1, budget_j);
        const double mean_j = mean_energy_j(p, goals, std::vector<double>(600, slow), {{"start", start}}, 20);
        INFO(budget_j << " J, " << start << ", slow-down " << slow);
        CHECK(mean_j <= budget_j * 1.005);
        CHECK(mean_j >= budget_j * 0.97);
      }
}

TEST_CASE("jouleguard makes up later for what it overspent", "[jouleguard]") {
  const Profile p = steep();
  std::vector<double> slowdown(600, 1.0);
  std::fill(slowdown.begin(), slowdown.begin() + 200, 1.8);
  CHECK(mean_energy_j(p, min_error(0.1, 3.2), slowdown, {}) == Approx(3.2).epsilon(0.01));
  // With more than it can save, it runs the fastest network.
  SchedulerInputs inputs{p, min_error(0.1, 1)};
  inputs.total_inputs = 100;
  JouleGuard guard(inputs, {});
  CHECK(guard.decide({}).model == 0);
  CHECK(guard.speedup() == Approx(4));
}

TEST_CASE("jouleguard finds the most efficient cap and stops exploring", "[jouleguard]") {
  const Profile p = steep();
  const TruthTable t = truth_of(p, std::vector<double>(200, 1.0));
  for (const char* start : {"optimistic", "profile"}) {
    const Run r = run("jouleguard", p, t, min_error(0.1, 3.2), {{"start", start}});
    int others = 0, early_others = 0;
    for (size_t i = 0; i < 200; ++i) {
      others += i >= 100 && r.configurations[i].cap != 0;
      early_others += i < 20 && r.configurations[i].cap != 0;
    }
    CHECK(early_others > 0);
    CHECK(others < 10);
  }
  // Which cap that is, it learns: here the lowest is slower than anyone would believe.
  Profile odd = p;
  for (size_t i = 0; i < odd.latency.size(); i += 4) odd.latency[i].mean_s *= 4;
  const Run r = run("jouleguard", p, truth_of(odd, std::vector<double>(200, 1.0)), min_error(0.1, 3.2));
  int second = 0;
  for (size_t i = 100; i < 200; ++i) second += r.configurations[i].cap == 1;
  CHECK(second > 85);
  // The random numbers are its own.
  const auto caps = [&](uint64_t seed) {
    std::vector<int> all;
    for (const Configuration& c :
         run("jouleguard", p, t, min_error(0.1, 3.2), {{"seed", seed}}).configurations)
      all.push_back(c.cap);
    return all;
  };
  CHECK(caps(1) == caps(1));
  CHECK(caps(1) != caps(2));
}

TEST_CASE("jouleguard's first steps, by hand", "[jouleguard]") {
  const Profile p = steep();
  SchedulerInputs inputs{p, min_error(0.1, 3)};
  inputs.total_inputs = 110;
  inputs.first_judged = 10;
  JouleGuardSettings settings;
  settings.start = "profile";
  settings.exploration = 0;
  JouleGuard guard(inputs, settings);
  // Above idle: 100 * (3 - 2) J, 20 W under cap 0, where d takes 0.08/0.7 s: r* = 20 /s, s = 20 * 0.08 / 0.7.
  CHECK(guard.joules_left() == Approx(300));
  CHECK(guard.speedup() == Approx(20 * 0.08 / 0.7));
  const Configuration c = guard.decide({0, 0.1, 0.1});
  CHECK(c == Configuration{1, 1, 0});  // b is 2.67 times as fast as d, c only 1.6 times
  Observation o;
  o.configuration = c;
  o.stages_finished = o.stage_delivered = 1;
  o.busy_s = o.last_stage_end_s = 0.1;  // profiled: 0.03/0.7
  o.period_s = o.deadline_from_start_s = 0.1;
  o.energy_j = 4;
  o.idle_power_w = 20;
  guard.observe(o);
  // d would have taken 0.267 s, at 20 W above idle; profiled 0.08/0.7 s.
  const double believed = 0.7 / 0.08, sample = 3.75;
  const double error = 0.85 * (sample - believed) / believed;
  const double f = (1 - std::exp(error / 5)) / (1 + std::exp(error / 5));
  CHECK(guard.exploration() == Approx(f / 4));
  const double rate = believed + 0.85 * (sample - believed), pole = 1 - 2 / (believed / sample);
  // Caps 1 to 3 are now believed to be more efficient: 40 W above idle at 0.85 of the speed is the best.
  const double best_rate = 0.85 / 0.08;
  REQUIRE(best_rate / 40 > rate / 20);
  CHECK(guard.speedup() == Approx(std::min(4.0, 20 * 0.08 / 0.7 + (1 - pole) * (40 - 10) / best_rate)));
  CHECK(guard.joules_left() == Approx(300));  // warm-up
  guard.decide({10, 0.1, 0.1});
  guard.observe(o);
  CHECK(guard.joules_left() == Approx(296));
}

TEST_CASE("without a budget, jouleguard runs the most accurate network under the most efficient cap",
          "[jouleguard]") {
  const Profile p = steep();
  const Run r =
      run("jouleguard", p, truth_of(p, std::vector<double>(100, 1.0)), min_energy(0.1, 0.5), {{"seed", 4u}});
  for (const Configuration& c : r.configurations) CHECK(c.model == 3);
  CHECK(r.configurations.back().cap == 0);
}

TEST_CASE("jouleguard's horizon: the run's, a setting, or 1000 inputs; then as many more", "[jouleguard]") {
  const Profile p = steep();
  SchedulerInputs inputs{p, min_error(0.1, 3)};
  CHECK(JouleGuard(inputs, {}).joules_left() == Approx(3000));
  inputs.total_inputs = 50;
  inputs.first_judged = 5;
  CHECK(JouleGuard(inputs, {}).joules_left() == Approx(135));
  JouleGuardSettings settings;
  settings.inputs = 2;
  JouleGuard guard(inputs, settings);
  CHECK(guard.joules_left() == Approx(6));
  Observation o;
  o.stages_finished = o.stage_delivered = 1;
  o.busy_s = o.last_stage_end_s = 0.02;
  o.period_s = o.deadline_from_start_s = 0.1;
  o.energy_j = 2.5;
  for (int i = 0; i < 2; ++i) {
    o.configuration = guard.decide({5 + i, 0.1, 0.1});
    guard.observe(o);
  }
  CHECK(guard.joules_left() == Approx(6 - 5 + 6));
}

TEST_CASE("jouleguard reads its settings strictly", "[jouleguard]") {
  const Profile p = steep();
  const auto refused = [&](const nlohmann::json& settings, const char* what) {
    CHECK_THROWS_WITH(make_scheduler("jouleguard", {p, min_error(0.1, 6)}, settings, "s"),
                      ContainsSubstring(what));
  };
  refused({{"sead", 5}}, "\"seed\"");
  refused({{"start", "profil"}}, "profile");
  refused({{"weight", 0}}, "weight");
  refused({{"inputs", 0}}, "inputs");
  const auto effective = effective_settings("jouleguard", {{"inputs", 10}}, "s");
  CHECK(effective["inputs"] == 10);
  CHECK(effective_settings("jouleguard", nlohmann::json::parse(effective.dump()), "s") == effective);
  CHECK(effective_settings("jouleguard", {}, "s")["inputs"].is_null());
}
