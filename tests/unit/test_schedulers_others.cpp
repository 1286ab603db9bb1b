#include <algorithm>
#include <cmath>
#include <tuple>

#include "catch.h"
#include "core/error.h"
#include "core/violations.h"
#include "recording/replay_environment.h"
#include "schedulers/poet_controller.h"
#include "test_schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

// Every stage of every network and cap on its own, even later ones faster than the profile says.
TruthTable wild_truth(const Profile& p, int inputs, uint64_t seed) {
  Random random(seed);
  TruthTable t = truth_of(p, std::vector<double>(static_cast<size_t>(inputs), 1.0));
  for (int64_t n = 0; n < t.inputs; ++n)
    for (int c = 0; c < p.caps(); ++c)
      for (int m = 0; m < static_cast<int>(p.models.size()); ++m) {
        const double xi = random.uniform(0.5, 2);
        for (int s = 0; s < p.models[static_cast<size_t>(m)].stages(); ++s)
          t.stage_end_s[static_cast<size_t>((n * t.rows + p.first_row(m) + s) * t.caps + c)] *= xi;
      }
  return t;
}

double objective(const Goals& goals, const Outcome& o) {
  return goals.task == Task::min_energy ? *o.energy_j : 1 - o.accuracy;
}

}  // namespace

TEST_CASE("POET: steps worked out by hand") {
  PoetSettings settings;
  PoetController poet({1, 1.5, 2}, {40, 70, 100}, settings);
  CHECK(poet.cap(0.1) == 2);  // nothing observed yet: full speed
  poet.observe(0.08);
  // s = 2, rate = 12.5, P = 1.00001, K = P*2/(4P+0.01) = 0.49875312, b = 0.2 + K*12.1 = 6.23491279
  // wanted = 2 + (10 - 12.5)/b = 1.59903
  CHECK(poet.cap(0.1) == 2);
  CHECK(poet.base_speed() == Approx(6.23491279).epsilon(1e-7));
  CHECK(poet.speedup() == Approx(1.59903).epsilon(1e-5));
  poet.observe(0.06);
  // s = 2, rate = 16.67: now cap 1 is fast enough.
  poet.cap(0.1);
  CHECK(poet.speedup() < 1.5);
}

TEST_CASE("POET shares a window between two caps, the slower first") {
  PoetSettings settings;
  settings.window = 10;
  settings.variance = 0;
  settings.process_noise = 0;
  settings.base_speed = 10;
  PoetController poet({1, 2}, {40, 100}, settings);
  for (int i = 0; i < 10; ++i) {
    CHECK(poet.cap(1.0 / 15) == 1);
    poet.observe(0.05);
  }
  // rate 20, goal 15, b = 10: wanted = 2 - 5/10 = 1.5; w_u = 10*1*(2-1.5)/(1.5*1) = 3.33, so 3.
  std::vector<int> caps;
  for (int i = 0; i < 10; ++i) {
    caps.push_back(poet.cap(1.0 / 15));
    poet.observe(0.05);
  }
  CHECK(poet.speedup() == Approx(1.5));
  CHECK(caps == std::vector<int>{0, 0, 0, 1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("POET bounds, margin, and observations that say nothing") {
  PoetSettings settings;
  PoetController poet({1, 2}, {40, 100}, settings);
  for (double bad : {0.0, -1.0, std::nan("")}) poet.observe(bad);
  CHECK(poet.cap(1) == 1);
  poet.observe(0.01);
  CHECK(poet.cap(100) == 0);
  CHECK(poet.speedup() == 1);
  poet.observe(1);
  CHECK(poet.cap(0) == 1);
  CHECK(poet.speedup() == 2);

  PoetSettings wide;
  wide.margin = 0.5;
  wide.variance = wide.process_noise = 0;
  wide.base_speed = 10;
  PoetController cautious({1, 2}, {40, 100}, wide);
  cautious.cap(0.1);
  cautious.observe(0.05);
  CHECK(cautious.cap(0.1) == 1);  // without the margin the slower cap would do
  CHECK(cautious.speedup() == Approx(2));
}

TEST_CASE("sys-only keeps the fastest traditional network and lowers the cap as far as the deadline allows") {
  const Profile p = mixed();
  const Run r = run("sys-only", p, truth_of(p, std::vector<double>(50, 1.0)), min_energy(0.1, 0.5));
  for (const Configuration& c : r.configurations) CHECK(c.model == 0);
  CHECK(r.configurations.front().cap == 3);
  CHECK(r.configurations.back().cap == 1);  // 0.0833 s; 0.125 s under the lowest
}

TEST_CASE("app-only and no-coord run the anytime network to its last stage") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(50, 1.0));
  for (const Configuration& c : run("app-only", p, t, min_error(0.2, 5)).configurations)
    CHECK(c == Configuration{2, 3, 3});
  const Run r = run("no-coord", p, t, min_error(0.2, 5));
  CHECK(r.configurations.back() == Configuration{2, 3, 2});
  // Stopped at the deadline the controller sees the stop, and no reason for a higher cap.
  const Run slow = run("no-coord", p, truth_of(p, std::vector<double>(50, 4.0)), min_error(0.2, 5));
  CHECK(slow.outcomes.back().stopped);
}

TEST_CASE("oracle is never worse than oracle-static") {
  const Profile p = mixed();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const TruthTable t = wild_truth(p, 50, seed);
    Random random(seed);
    const double deadline = random.uniform(0.04, 0.3);
    for (const Goals& goals : {min_energy(deadline, random.uniform(0.1, 0.8)),
                               min_error(deadline, deadline * random.uniform(20, 100))}) {
      const Run best = run("oracle", p, t, goals), fixed = run("oracle-static", p, t, goals);
      int worse = 0;
      for (size_t i = 0; i < best.outcomes.size(); ++i) {
        const bool broken = violations_of(goals, best.outcomes[i]).any();
        const bool fixed_broken = violations_of(goals, fixed.outcomes[i]).any();
        worse += broken && !fixed_broken;
        worse += !broken && !fixed_broken &&
                 objective(goals, best.outcomes[i]) > objective(goals, fixed.outcomes[i]);
      }
      CHECK(worse == 0);
    }
  }
}

TEST_CASE("oracle without a way to meet the goals: delivery, then accuracy, then energy") {
  const Profile p = two_by_two();
  const TruthTable t = truth_of(p, {1.0});
  CHECK(run("oracle", p, t, min_energy(0.15, 0.9)).configurations[0] == Configuration{1, 1, 1});
  CHECK(run("oracle", p, t, min_error(0.15, 1)).configurations[0] == Configuration{1, 1, 1});
  CHECK(run("oracle", p, t, min_energy(0.25, 0.9)).configurations[0] ==
        Configuration{1, 1, 0});  // 10.5 J against 11.5 J
  CHECK(run("oracle", p, t, min_energy(0.01, 0.5)).configurations[0] == Configuration{0, 1, 1});
}

TEST_CASE("oracle-static stands a tenth of the inputs in violation, not more") {
  const Profile p = two_by_two();
  std::vector<double> slowdown(20, 1.0);
  slowdown[3] = slowdown[7] = 1.2;  // small@50 takes 0.12 s on these
  const Goals goals = min_energy(0.11, 0.5);
  CHECK(run("oracle-static", p, truth_of(p, slowdown), goals).configurations[0] == Configuration{0, 1, 0});
  slowdown[9] = 1.2;
  CHECK(run("oracle-static", p, truth_of(p, slowdown), goals).configurations[0] == Configuration{0, 1, 1});
  CHECK(run("oracle-static", p, truth_of(p, slowdown), goals, {{"max_violation_share", 0.2}})
            .configurations[0] == Configuration{0, 1, 0});
  // Impossible: the fewest violations, then the least energy.
  CHECK(run("oracle-static", p, truth_of(p, slowdown), min_energy(0.11, 0.99)).configurations[0] ==
        Configuration{0, 1, 0});
}

TEST_CASE("sys-only and no-coord take the input's size off the deadline and off what they observe") {
  Profile p = mixed();
  p.models[0].size_growth = 0.6;
  p.models[2].size_growth = 1.4;
  Profile plain = p;
  for (ModelProfile& model : plain.models) model.size_growth = 0;
  for (const char* name : {"sys-only", "no-coord"}) {
    const Goals goals = min_energy(0.2, 0.5);
    auto sized = make_scheduler(name, {p, goals}, json::object(), "t"), unsized = make_scheduler(name, {plain, goals}, json::object(), "t");
    Random random(9);
    int differ = 0, lowered = 0;
    for (int64_t n = 0; n < 200; ++n) {
      const double size = random.uniform(0.5, 2), deadline_s = random.uniform(0.1, 0.3), slow = random.uniform(0.8, 1.5);
      const double factor = p.size_factor(std::string(name) == "sys-only" ? 0 : 2, size);
      const Configuration c = sized->decide({n, deadline_s, deadline_s, size});
      differ += !(c == unsized->decide({n, deadline_s / factor, deadline_s / factor}));
      lowered += c.cap < 3;
      Observation o;
      o.configuration = c;
      o.stages_finished = n % 5 ? c.stage : c.stage - 1;
      o.last_stage_end_s = slow * p.latency_of(c).mean_s * factor;
      o.busy_s = o.last_stage_end_s;
      o.deadline_s = deadline_s;
      o.size = size;
      sized->observe(o);
      o.last_stage_end_s /= factor;
      o.busy_s /= factor;
      o.deadline_s /= factor;
      o.size = 1;
      unsized->observe(o);
    }
    INFO(name);
    CHECK(differ == 0);
    CHECK(lowered > 20);
  }
}

TEST_CASE("oracle-static lets the members of a group share its time") {
  const Profile p = two_by_two();
  const Goals goals = min_energy(0.11, 0.5);
  // small@50 takes 0.1, 0.114, 0.1 s. Alone the second is late.
  TruthTable t = truth_of(p, {1, 1.14, 1});
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 1});
  t.members_left = {3, 2, 1};  // its share is (0.33 - 0.1) / 2
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 0});
  t = truth_of(p, {1.14, 1, 1});  // the first one's is 0.11
  t.members_left = {3, 2, 1};
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 1});
}

TEST_CASE("oracle-static picks the configuration whose replay is best, in groups too") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Recording recording;
    recording.profile = mixed();
    recording.profile.idle_power_w = 35;  // so that the time it counts over matters
    const Profile& p = recording.profile;
    TruthTable& t = recording.truth = wild_truth(p, 60, seed);
    Random random(seed);
    while (t.members_left.size() < 60) {
      const auto most = std::min<size_t>(60 - t.members_left.size(), 7);
      for (auto left = static_cast<int64_t>(1 + random.below(most)); left > 0; --left) t.members_left.push_back(left);
    }
    const double deadline = random.uniform(0.04, 0.2);
    for (const Arrivals arrivals : {Arrivals::closed, Arrivals::open})
      for (const Goals& goals : {min_energy(deadline, random.uniform(0.1, 0.7)),
                                 min_error(deadline, deadline * random.uniform(35, 100))}) {
        const auto choice = make_scheduler("oracle-static", {p, goals, &t, arrivals}, json::object(), "t")->decide({});
        const auto score_of = [&](const Configuration& c) {
          ReplayEnvironment environment(recording, arrivals, goals.deadline_s);
          int violated = 0;
          double sum = 0, energy_j = 0;
          for (int64_t n = 0; n < t.inputs; ++n) {
            const Arrival a = environment.arrive(n);
            const Outcome o = environment.execute(c, {n, a.deadline_s - a.wait_s, a.period_s});
            violated += violations_of(goals, o).any();
            sum += objective(goals, o);
            energy_j += *o.energy_j;
          }
          return std::make_tuple(violated <= 6 ? 0 : violated, sum, energy_j);
        };
        const auto chosen = score_of(choice);
        int better = 0;
        for (int m = 0; m < 3; ++m)
          for (int s = 1; s <= p.models[static_cast<size_t>(m)].stages(); ++s)
            for (int c = 0; c < p.caps(); ++c) better += score_of({m, s, c}) < chosen;
        CHECK(better == 0);
      }
  }
}

TEST_CASE("registry: names, needs, settings") {
  const Profile p = two_by_two();
  const TruthTable t = truth_of(p, {1.0});
  const Goals goals = min_energy(0.15, 0.5);
  CHECK_THROWS_WITH(make_scheduler("alrt", {p, goals}, {}, "s.json"),
                    Contains("s.json") && Contains("\"alert\""));
  CHECK_THROWS_WITH(make_scheduler("app-only", {p, goals}, {}, "s"), Contains("anytime"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {p, goals}, {}, "s"), Contains("recording"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {mixed(), goals, &t}, {}, "s"), Contains("recording has 2"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {p, goals, &t}, {{"x", 1}}, "s"), Contains("unknown key"));
  CHECK_THROWS_WITH(make_scheduler("sys-only", {p, goals}, {{"windw", 1}}, "s"), Contains("\"window\""));
  CHECK_THROWS_AS(make_scheduler("alert", {p, min_energy(0, 0.5)}, {}, "s"), InputError);
  CHECK_THROWS_AS(make_scheduler("alert", {p, {"x", Task::min_error, 0.1, {}, {}}}, {}, "s"), InputError);
  CHECK(known_schedulers().size() == 10);
  for (const SchedulerInfo& info : known_schedulers()) {
    const auto settings = effective_settings(info.name, json::object(), "s");
    CHECK(effective_settings(info.name, json::parse(settings.dump()), "s") == settings);
  }
}
