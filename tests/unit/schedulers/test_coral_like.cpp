#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "schedulers/coral_like.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using Catch::Matchers::ContainsSubstring;

namespace {

std::pair<int, int> knobs(const Configuration& c) { return {c.model * 100 + c.stage, c.cap}; }

}  // namespace

TEST_CASE("coral-like tries the least, the greatest, and then what lies between", "[coral]") {
  std::vector<Network> networks;
  for (int i = 0; i < 9; ++i)
    networks.push_back({"n" + std::to_string(i), {0.1 * (i + 1)}, {0.01 * (i + 1)}});
  const Profile p = profile_of(networks, {20, 30, 40, 50, 60, 70, 80, 90, 100});
  const TruthTable t = truth_of(p, std::vector<double>(200, 1.0));
  // Every network is in time under every cap (at most 0.45 s), and all are within the budget.
  const Run r = run("coral-like", p, t, min_error(1, 1000));
  CHECK(r.configurations[0] == Configuration{0, 1, 0});
  CHECK(r.configurations[2] == Configuration{0, 1, 0});
  CHECK(r.configurations[3] == Configuration{8, 1, 8});
  CHECK(r.configurations[5] == Configuration{8, 1, 8});
  CHECK(r.configurations[6] == Configuration{6, 1, 6});  // half-way is 4; both knobs help: 2 further
  std::set<std::pair<int, int>> tried;
  for (size_t i = 0; i < 30; i += 3) tried.insert(knobs(r.configurations[i]));
  CHECK(tried.size() == 10);  // never the same twice
  for (size_t i = 30; i < 200; ++i) CHECK(r.configurations[i].model == 8);
}

TEST_CASE("coral-like stays with a configuration that meets the goals, if it found one", "[coral]") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(300, 1.0));
  int found = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Run energy = run("coral-like", p, t, min_energy(0.15, 0.6), {{"seed", seed}, {"trials", 15}});
    const Outcome& o = energy.outcomes.back();
    found += o.stage_delivered > 0 && o.accuracy >= 0.6;
    for (size_t i = 60; i < 300; ++i) CHECK(energy.configurations[i] == energy.configurations[50]);
    const Run error = run("coral-like", p, t, min_error(0.15, 8), {{"seed", seed}, {"trials", 15}});
    found += error.outcomes.back().stage_delivered > 0 && *error.outcomes.back().energy_j <= 8;
  }
  CHECK(found == 40);
}

TEST_CASE("coral-like searches again when the reward falls, and only then", "[coral]") {
  const Profile p = mixed();
  std::vector<double> slowdown(400, 1.0);
  std::fill(slowdown.begin() + 200, slowdown.end(), 3.0);
  const Goals goals = min_energy(0.15, 0.55);
  const Run r = run("coral-like", p, truth_of(p, slowdown), goals);
  CHECK(r.configurations[199] == r.configurations[60]);
  const Configuration least = r.configurations[0];
  int again = 0;
  for (size_t i = 200; i < 400; ++i) again += r.configurations[i] == least;
  CHECK(again >= 3);
  CHECK_FALSE(r.configurations.back() == r.configurations[199]);
  const Run closed = run("coral-like", p, truth_of(p, slowdown), goals, {{"reopen_drop", 1}});
  CHECK(closed.configurations.back() == closed.configurations[60]);
}

TEST_CASE("coral-like knows networks, accuracies and caps, not the profile", "[coral]") {
  Profile p = mixed(), other = p;
  Random random(5);
  for (LatencyStats& l : other.latency) l.mean_s *= random.uniform(0.1, 10);
  for (double& w : other.active_power_w) w *= random.uniform(0.1, 10);
  for (ModelProfile& m : other.models) m.size_growth = 0.9;
  other.idle_power_w = 3;
  for (const Goals& goals : {min_energy(0.15, 0.6), min_error(0.15, 8)}) {
    auto one = make_scheduler("coral-like", {p, goals}, {}, "t"),
         two = make_scheduler("coral-like", {other, goals}, {}, "t");
    for (int64_t n = 0; n < 300; ++n) {
      const Context context{n, goals.deadline_s, goals.deadline_s, random.uniform(0.5, 2)};
      const Configuration c = one->decide(context);
      REQUIRE(c == two->decide(context));
      Observation o;
      o.configuration = c;
      o.stages_finished = o.stage_delivered = 1;
      o.last_stage_end_s = o.busy_s = random.uniform(0.01, 0.2);
      o.deadline_from_start_s = o.period_s = goals.deadline_s;
      o.accuracy = random.uniform(0.3, 0.9);
      if (n % 3) o.energy_j = random.uniform(5, 12);
      one->observe(o);
      two->observe(o);
    }
  }
}

TEST_CASE("coral-like without a choice stays at once", "[coral]") {
  const Profile p = profile_of({{"only", {0.6}, {0.05}}}, {100});
  CoralLike coral({p, min_error(0.1, 100)}, {});
  Observation o;
  o.stages_finished = o.stage_delivered = 1;
  o.last_stage_end_s = o.busy_s = 0.05;
  o.deadline_from_start_s = o.period_s = 0.1;
  for (int i = 0; i < 3; ++i) coral.observe(o);
  CHECK(coral.staying());
  CHECK(coral.decide({}) == Configuration{0, 1, 0});
}

TEST_CASE("coral-like reads its settings strictly", "[coral]") {
  const Profile p = mixed();
  const auto refused = [&](const nlohmann::json& settings, const char* what) {
    CHECK_THROWS_WITH(make_scheduler("coral-like", {p, min_error(0.1, 6)}, settings, "s"),
                      ContainsSubstring(what));
  };
  refused({{"trial", 5}}, "\"trials\"");
  refused({{"trials", 1}}, "trials");
  refused({{"temperature", 0}}, "temperature");
  const auto effective = effective_settings("coral-like", {{"seed", 9u}}, "s");
  CHECK(effective["seed"] == 9);
  CHECK(effective_settings("coral-like", nlohmann::json::parse(effective.dump()), "s") == effective);
}
