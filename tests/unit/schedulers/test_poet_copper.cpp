#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "runner/preflight.h"
#include "schedulers/copper.h"
#include "schedulers/fixed_network.h"
#include "schedulers/poet.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

namespace {

std::vector<double> copper_caps(double gain_limit, const std::vector<double>& rates) {
  CopperController copper(35, 100, gain_limit);
  std::vector<double> caps_w;
  for (const double rate : rates) caps_w.push_back(copper.cap_w(rate, 100));
  return caps_w;
}

int network_for(const Profile& p, double deadline_s, const std::string& name = "auto") {
  const Goals goals = min_energy(deadline_s, 0.5);
  return FixedNetwork({p, goals}, "poet", name).model();
}

}  // namespace

TEST_CASE("a fixed network is the most accurate traditional one in time under the highest cap") {
  const Profile p = mixed();
  CHECK(network_for(p, 0.2) == 1);
  CHECK(network_for(p, 0.1) == 1);
  CHECK(network_for(p, 0.099) == 0);
  CHECK(network_for(p, 0.001) == 0);  // none: the fastest
  CHECK(network_for(p, 0.2, "any") == 2);
  check_says(message_of([&] { network_for(p, 0.2, "lrge"); }),
             {"scheduler_settings: poet: network", "lrge", "auto", "small, large, any"});
  const Profile equal =
      profile_of({{"b", {0.8}, {0.1}}, {"a", {0.8}, {0.1}}, {"c", {0.8}, {0.05}}}, {50, 100});
  CHECK(network_for(equal, 0.2) == 2);
  CHECK(network_for(profile_of({{"b", {0.8}, {0.1}}, {"a", {0.8}, {0.1}}}, {50, 100}), 0.2) == 1);
  const Profile anytime =
      profile_of({{"x", {0.5, 0.7}, {0.05, 0.1}}, {"y", {0.4, 0.9}, {0.1, 0.3}}}, {50, 100});
  CHECK(network_for(anytime, 0.2) == 0);
  CHECK(network_for(anytime, 0.4) == 1);
}

TEST_CASE("a network that is no candidate is told before anything runs") {
  Scenario scenario;
  scenario.path = "s.json";
  scenario.schedulers = {"poet"};
  scenario.scheduler_settings = {{"poet", {{"network", "lrge"}}}};
  check_says(message_of([&] { check_before_replay(scenario, mixed(), true); }),
             {"s.json: scheduler_settings: poet: network", "\"lrge\"", "auto", "small, large, any"});
  scenario.scheduler_settings["poet"]["network"] = "auto";
  CHECK(check_before_replay(scenario, mixed(), true).scenario.schedulers.size() == 1);
}

TEST_CASE("a fixed network's time is that of an input of the mean size, also where it was stopped") {
  Profile p = mixed();
  p.models[2].size_growth = 1;
  const Goals goals = min_energy(0.2, 0.5);
  const FixedNetwork network({p, goals}, "poet", "any");
  Context context;
  context.deadline_from_start_s = 0.4;
  context.size = 2;
  CHECK(network.deadline_s(context) == Approx(0.2));
  Observation o;
  o.configuration = network.under(3);
  CHECK(o.configuration == Configuration{2, 3, 3});
  o.stages_finished = 3;
  o.last_stage_end_s = 0.3;
  o.busy_s = 0.32;
  o.deadline_from_start_s = 0.4;
  o.size = 2;
  CHECK(network.latency_s(o) == Approx(0.15));
  o.stages_finished = 2;
  o.busy_s = 0.41;
  CHECK(network.latency_s(o) == Approx(0.2));
}

TEST_CASE("poet is POET with a window of 20 and one network") {
  const Profile p = mixed();
  const json defaults = json::parse(effective_settings("poet", json::object(), "s").dump());
  CHECK(defaults["network"] == "auto");
  CHECK(defaults["window"] == 20);
  CHECK(defaults["rounding"] == "nearest");
  CHECK(effective_settings("sys-only", json::object(), "s")["window"] == 1);
  check_says(message_of([&] { effective_settings("poet", {{"netwrk", "x"}}, "s"); }), {"netwrk", "network"});

  // 0.15 s for "large", between 0.125 s at 80 W and 0.167 s at 60 W: on average.
  const Run r = run("poet", p, truth_of(p, std::vector<double>(400, 1.0)), min_energy(0.15, 0.5));
  double rates = 0;
  int late = 0;
  for (size_t i = 0; i < 400; ++i) {
    CHECK(r.configurations[i].model == 1);
    if (i < 19) CHECK(r.configurations[i].cap == 3);
    if (i < 200) continue;
    rates += r.outcomes[i].busy_s / 200;
    late += r.outcomes[i].stage_delivered == 0;
  }
  CHECK(rates == Approx(0.15).epsilon(0.03));
  CHECK(late > 20);  // by plan
  const Run named = run("poet", p, truth_of(p, std::vector<double>(30, 1.0)), min_error(0.15, 7),
                        {{"network", "small"}, {"window", 1}});
  for (const Configuration& c : named.configurations) CHECK(c.model == 0);
  CHECK(named.configurations.back().cap < 3);
}

TEST_CASE("CoPPer does what libcopper does, call by call") {
  // From an independent statement of libcopper's loop in Python, with a log buffer (without one, libcopper
  // leaves the gain limit out).
  const std::vector<double> rates = {250, 140, 90, 60, 60, 60, 100, 100};
  const std::vector<double> free = {39.926669, 35,        38.801899, 54.713719,
                                    72.396174, 93.245046, 93.245046, 93.245046};
  const std::vector<double> limited = {39.926669, 35,        37.445189, 47.421641,
                                       55.239975, 63.332454, 63.332454, 63.332454};
  const std::vector<double> found = copper_caps(0, rates), found_limited = copper_caps(0.5, rates);
  for (size_t i = 0; i < rates.size(); ++i) {
    INFO("call " << i + 1);
    CHECK(found[i] == Approx(free[i]).epsilon(0).margin(1e-6));
    CHECK(found_limited[i] == Approx(limited[i]).epsilon(0).margin(1e-6));
  }
}

TEST_CASE("CoPPer stays between the caps whatever comes") {
  Random random(3);
  const double strange[] = {5e-324, 1e-308, 1e308, 1e-12, 1e12, 0.1, 1, 1e100};
  int wrong = 0;
  for (const double a : {0.0, 0.5, 0.999}) {
    CopperController copper(40, 100, a);
    for (int i = 0; i < 1000; ++i) {
      const double cap_w =
          copper.cap_w(strange[random.below(std::size(strange))], strange[random.below(std::size(strange))]);
      wrong += !(cap_w >= 40 && cap_w <= 100 * (1 + 1e-12));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("copper sets the nearest cap, and the gain limit gives up power that does not help") {
  const Profile p = mixed();
  // 0.125 s for "large": 80 W.
  const Run r = run("copper", p, truth_of(p, std::vector<double>(200, 1.0)), min_energy(0.126, 0.5));
  CHECK(r.configurations.front() == Configuration{1, 1, 3});
  int near = 0;
  for (size_t i = 100; i < 200; ++i) near += r.configurations[i].cap == 2;
  CHECK(near > 50);
  // The cap changes nothing: without a limit the highest one runs for ever, with one a lower one.
  Profile flat = p;
  for (LatencyStats& l : flat.latency) l = {0.1, 0.1, 0.1, 0.1, 0};
  const TruthTable t = truth_of(flat, std::vector<double>(100, 3.0));
  const json free = {{"gain_limit", 0}, {"network", "large"}};
  CHECK(run("copper", flat, t, min_energy(0.12, 0.5), free).configurations.back().cap == 3);
  CHECK(run("copper", flat, t, min_energy(0.12, 0.5), {{"network", "large"}}).configurations.back().cap < 3);
  // With a window the cap changes after every fifth input only.
  const Run wide =
      run("copper", p, truth_of(p, std::vector<double>(50, 1.0)), min_energy(0.3, 0.5), {{"window", 5}});
  for (size_t i = 1; i < 50; ++i)
    if (i % 5) CHECK(wide.configurations[i] == wide.configurations[i - 1]);
  CHECK(wide.configurations[5].cap < 3);
  check_says(message_of([&] {
               effective_settings("copper", {{"gain_limit", 1}}, "s");
             }),
             {"gain_limit", "1"});
}
