#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "catch.h"
#include "core/goal_judge.h"
#include "recording/replay_environment.h"
#include "schedulers/poet_controller.h"
#include "schedulers/true_outcomes.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using Catch::Matchers::ContainsSubstring;
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

TEST_CASE("POET does what libpoet does, call by call") {
  // From an independent statement of libpoet's loop, with a goal of 10 inputs a second.
  struct Call {
    double rate, base_speed, speedup;  // base_speed 0: not known
    int cap;
  };
  const std::vector<double> speedups = {1, 1.5, 2, 3}, costs = {1, 1.7, 2.6, 5};
  const auto check_calls = [&](const PoetSettings& settings, const std::vector<Call>& calls) {
    PoetController poet(speedups, costs, settings);
    CHECK(poet.cap(0.1) == 3);
    for (size_t i = 0; i < calls.size(); ++i) {
      INFO("call " << i + 1);
      poet.observe(1 / calls[i].rate);
      const int cap = poet.cap(0.1);
      if (calls[i].cap >= 0) CHECK(cap == calls[i].cap);
      CHECK(poet.speedup() == Approx(calls[i].speedup).epsilon(0).margin(1e-8));
      if (calls[i].base_speed > 0)
        CHECK(poet.base_speed() == Approx(calls[i].base_speed).epsilon(0).margin(1e-8));
    }
  };
  check_calls({}, {{30, 0.2, 3, 3},
                   {30, 9.989123305, 1, 0},
                   {12, 10.191637796, 1, 0},
                   {11, 10.266265594, 1, 0},
                   {9, 10.158184138, 1.098442791, 0},
                   {10, 10.058690600, 1.098442791, 0},
                   {10, 9.975393780, 1.098442791, 0},
                   {5, 9.534722391, 1.622841908, 1},
                   {5, 8.550330814, 2.207614604, 2},
                   {10, 7.653420787, 2.207614604, 2}});
  PoetSettings slow;
  slow.pole_1 = 0.1;
  slow.pole_2 = 0.8;
  slow.zero_1 = 0.7;
  check_calls(slow, {{30, 0.2, 3, 3},
                     {30, 0, 1.756647644, -1},
                     {12, 0, 1.919447846, -1},
                     {11, 0, 2.029550263, -1},
                     {9, 0, 2.220069102, -1},
                     {10, 0, 2.254530513, -1}});
}

TEST_CASE("POET's general form keeps its poles, and mu below 1 leaves an error") {
  // The filter stands still at the true speed, and the machine runs at just the speed-up asked for, though no
  // cap does.
  PoetSettings settings;
  settings.variance = settings.process_noise = 0;
  settings.base_speed = 10;
  const auto speedup_after = [&](int calls) {
    PoetController poet({1, 100}, {1, 1000}, settings);
    poet.cap(0.02);
    for (int i = 0; i < calls; ++i) {
      poet.observe(0.1 / poet.speedup());
      poet.cap(0.02);
    }
    return poet.speedup();
  };
  CHECK(speedup_after(2) == Approx(5));  // at once
  settings.pole_1 = 0.5;
  CHECK(speedup_after(3) == Approx(5 + 95 * 0.25));
  settings.pole_2 = 0.8;
  settings.zero_1 = 0.6;
  CHECK(speedup_after(60) == Approx(5).epsilon(1e-4));
  settings.zero_1 = 0;
  settings.pole_2 = 0;
  settings.mu = 0.8;  // u = (1-q)*u + mu*q*5, with q = 0.5
  CHECK(speedup_after(60) == Approx(4));
}

TEST_CASE("POET is stable where the speed-ups are wrong by less than 2 / (1 - pole), and only there") {
  for (const double pole : {0.0, 0.5, 0.9})
    for (const double share : {0.02, 0.5, 0.98, 1.02}) {
      const double wrong = share * 2 / (1 - pole);
      PoetSettings settings;
      settings.variance = settings.process_noise = 0;
      settings.base_speed = 10;
      settings.pole_1 = pole;
      PoetController poet({1, 1e9}, {1, 1e9}, settings);
      const double goal = 1e6, wanted = goal / (10 * wrong);
      const auto run = [&](int calls) {
        for (int i = 0; i < calls; ++i) {
          poet.observe(1 / (10 * wrong * poet.speedup()));
          poet.cap(1 / goal);
        }
        return std::abs(poet.speedup() / wanted - 1);
      };
      INFO("pole " << pole << ", speed-ups off by " << wrong);
      if (share < 1) {
        CHECK(run(2000) < 1e-9);
      } else {
        run(2000);
        CHECK(std::max(run(1), run(1)) > 0.5);  // one side of the goal, then the other
      }
    }
}

TEST_CASE("POET's deviations from libpoet: feedback, rounding, first rate") {
  PoetSettings settings;
  PoetController late({1, 1.5, 2}, {40, 70, 100}, settings);
  late.cap(0.1);
  late.observe(0.02);
  CHECK(late.cap(0.1) == 2);  // the first rate is thrown away
  late.observe(0.02);
  CHECK(late.cap(0.1) == 0);

  settings.first_rate = PoetSettings::FirstRate::use;
  settings.rounding = PoetSettings::Rounding::down;
  settings.feedback = PoetSettings::Feedback::applied;
  PoetController ours({1, 1.5, 2}, {40, 70, 100}, settings);
  ours.cap(0.1);
  ours.observe(0.08);
  // u = 2, rate = 12.5, P = 1.00001, K = P*2/(4P+0.01) = 0.49875312, x = 0.2 + K*12.1 = 6.23491279
  // u = 2 + (10 - 12.5)/x = 1.59903
  CHECK(ours.cap(0.1) == 2);
  CHECK(ours.base_speed() == Approx(6.23491279).epsilon(1e-7));
  CHECK(ours.speedup() == Approx(1.59903).epsilon(1e-5));
  ours.observe(0.08);
  // The cap that ran was right behind 2, not 1.59903: by that x would become 6.24 + (12.5 - 1.6*6.24)*K,
  // above 7.
  ours.cap(0.1);
  CHECK(ours.base_speed() == Approx(6.243).epsilon(1e-3));

  // 1.4 is nearer to the lower cap: share 1*(1.5-1.4)/(1.4*0.5) = 0.14; 1.1: 0.73.
  for (const auto& [goal, nearest, down] : {std::tuple{14.0, 1, 1}, {11.0, 0, 1}}) {
    PoetSettings fixed;
    fixed.variance = fixed.process_noise = 0;
    fixed.base_speed = 10;
    for (const bool rounds : {true, false}) {
      fixed.rounding = rounds ? PoetSettings::Rounding::nearest : PoetSettings::Rounding::down;
      PoetController poet({1, 1.5}, {40, 70}, fixed);
      for (int i = 0; i < 2; ++i) {
        poet.cap(1 / goal);
        poet.observe(1 / (10 * poet.speedup()));
      }
      CHECK(poet.cap(1 / goal) == (rounds ? nearest : down));
      CHECK(poet.speedup() == Approx(goal / 10));
    }
  }
}

TEST_CASE("POET shares a window between two caps, the slower first") {
  PoetSettings settings;
  settings.window = 10;
  settings.variance = 0;
  settings.process_noise = 0;
  settings.base_speed = 10;
  const auto second_plan = [&] {
    PoetController poet({1, 2}, {40, 100}, settings);
    for (int i = 0; i < 10; ++i) {
      CHECK(poet.cap(1.0 / 15) == 1);
      poet.observe(i < 5 ? 0.04 : 0.06);
    }
    // rate 20 (all ten), goal 15, x = 10: u = 2 - 5/10 = 1.5; l = 10*1*(2-1.5)/(1.5*1) = 3.33, so 3.
    std::vector<int> caps;
    for (int i = 0; i < 10; ++i) {
      caps.push_back(poet.cap(1.0 / 15));
      poet.observe(0.05);
    }
    CHECK(poet.speedup() == Approx(1.5));
    poet.cap(1.0 / 15);
    CHECK(poet.speedup() == Approx(1));  // it asked for 1.5 and got 2: 1.5 - 0.5
    return caps;
  };
  CHECK(second_plan() == std::vector<int>{0, 0, 0, 1, 1, 1, 1, 1, 1, 1});
  settings.window = 1;
  settings.first_rate = PoetSettings::FirstRate::use;
  PoetController early({1, 2}, {40, 100}, settings);
  early.cap(1.0 / 15);
  early.observe(0.05);
  early.cap(1.0 / 15);
  CHECK(early.speedup() == Approx(1.5));
}

TEST_CASE("POET bounds, margin, and observations that say nothing") {
  PoetSettings settings;
  settings.first_rate = PoetSettings::FirstRate::use;
  PoetController poet({1, 2}, {40, 100}, settings);
  for (double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) poet.observe(bad);
  CHECK(poet.cap(1) == 1);
  CHECK(poet.base_speed() == 0.2);
  poet.observe(0.01);
  CHECK(poet.cap(100) == 0);
  CHECK(poet.speedup() == 1);
  poet.observe(std::nan(""));
  CHECK(poet.cap(0) == 0);  // nothing new, no new plan
  poet.observe(1);
  CHECK(poet.cap(0) == 1);
  CHECK(poet.speedup() == 2);

  PoetSettings wide = settings;
  wide.margin = 0.5;
  wide.variance = wide.process_noise = 0;
  wide.base_speed = 10;
  PoetController cautious({1, 2}, {40, 100}, wide);
  cautious.cap(0.1);
  cautious.observe(0.05);
  CHECK(cautious.cap(0.1) == 1);  // without the margin the slower cap would do
  CHECK(cautious.speedup() == Approx(2));
}

TEST_CASE("POET takes the least energy, also among caps that are no use") {
  PoetSettings settings;
  settings.first_rate = PoetSettings::FirstRate::use;
  settings.variance = settings.process_noise = 0;
  settings.base_speed = 10;
  // Cap 1 is as fast as cap 0 for more power, cap 2 slower for more power; cap 4 is as fast as cap 3 for
  // less.
  PoetController poet({1, 1, 0.9, 2, 2}, {40, 50, 60, 100, 90}, settings);
  CHECK(poet.cap(0.1) == 4);
  poet.observe(0.05);
  CHECK(poet.cap(0.1) == 0);
  CHECK(poet.speedup() == 1);
  poet.observe(0.1);
  CHECK(poet.cap(0.05) == 4);
  PoetController flat({1, 1, 1}, {50, 40, 60}, settings);
  CHECK(flat.cap(0.1) == 2);
  flat.observe(1);
  CHECK(flat.cap(0.1) == 1);
  PoetController one({1}, {40}, settings);
  one.observe(1);
  CHECK(one.cap(0.1) == 0);
}

TEST_CASE("POET gives a cap and sound figures whatever comes") {
  Random random(5);
  const double strange[] = {0,     -1,    std::nan(""), HUGE_VAL, -HUGE_VAL, 5e-324, 1e-308,
                            1e308, 1e-12, 1e12,         0.1,      0.2,       1};
  int wrong = 0;
  for (int n = 0; n < 300; ++n) {
    PoetSettings s;
    s.window = 1 + static_cast<int>(random.below(4));
    s.pole_1 = random.uniform(-0.999, 0.999);
    s.pole_2 = random.uniform(-0.999, 0.999);
    s.zero_1 = random.uniform(-0.999, 0.999);
    s.mu = random.uniform(0, 1);
    if (n % 3 == 0) s.process_noise = s.variance = 1e100, s.measurement_noise = 1e-12;
    if (n % 3 == 1) s.process_noise = s.variance = 0, s.measurement_noise = 1e100, s.base_speed = 1e-12;
    s.feedback = n % 2 ? PoetSettings::Feedback::applied : PoetSettings::Feedback::requested;
    s.rounding = n % 4 < 2 ? PoetSettings::Rounding::down : PoetSettings::Rounding::nearest;
    s.first_rate = n % 8 < 4 ? PoetSettings::FirstRate::use : PoetSettings::FirstRate::skip;
    std::vector<double> speedups = {1}, powers = {40};
    for (uint64_t caps = random.below(6); caps > 0; --caps) {
      speedups.push_back(random.below(2) ? speedups.back() : random.uniform(0.5, 3));
      powers.push_back(random.uniform(1, 100));
    }
    const double highest = *std::max_element(speedups.begin(), speedups.end());
    PoetController poet(speedups, powers, s);
    for (int i = 0; i < 100; ++i) {
      const int cap = poet.cap(strange[random.below(std::size(strange))]);
      wrong += cap < 0 || cap >= static_cast<int>(speedups.size());
      wrong += !(poet.speedup() <= highest) || !(poet.speedup() >= 0.5) || !std::isfinite(poet.base_speed());
      poet.observe(strange[random.below(std::size(strange))]);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("sys-only keeps the fastest traditional network and lowers the cap as far as the deadline allows") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(250, 1.0));
  // Each input in time: 0.0833 s under cap 1, 0.125 s under the lowest.
  const json each = {{"feedback", "applied"}, {"rounding", "down"}, {"first_rate", "use"}};
  const Run in_time = run("sys-only", p, t, min_energy(0.1, 0.5), each);
  for (const Configuration& c : in_time.configurations) CHECK(c.model == 0);
  CHECK(in_time.configurations.front().cap == 3);
  CHECK(in_time.configurations[1].cap < 3);
  CHECK(in_time.configurations.back().cap == 1);
  // As libpoet: the mean rate is right, by turns of these two.
  const Run r = run("sys-only", p, t, min_energy(0.1, 0.5));
  CHECK(r.configurations[1].cap == 3);
  double rates = 0;
  int caps[4] = {};
  for (size_t i = 50; i < 250; ++i) {
    CHECK(r.configurations[i].model == 0);
    ++caps[r.configurations[i].cap];
    rates += 1 / r.outcomes[i].busy_s / 200;
  }
  CHECK(caps[0] > 20);
  CHECK(caps[1] > 20);
  CHECK(caps[0] + caps[1] == 200);
  CHECK(rates == Approx(10).epsilon(0.02));
}

TEST_CASE("app-only and no-coord run the anytime network to its last stage") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(50, 1.0));
  for (const Configuration& c : run("app-only", p, t, min_error(0.2, 5)).configurations)
    CHECK(c == Configuration{2, 3, 3});
  const Run in_time = run("no-coord", p, t, min_error(0.2, 5),
                          {{"feedback", "applied"}, {"rounding", "down"}, {"first_rate", "use"}});
  CHECK(in_time.configurations.back() == Configuration{2, 3, 2});
  // As libpoet: a cap that is too slow by itself (0.217 s), since a stop at the deadline looks like the right
  // rate.
  const Run r = run("no-coord", p, t, min_error(0.2, 5));
  CHECK(r.configurations.back() == Configuration{2, 3, 1});
  CHECK(r.outcomes.back().stopped);
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
    auto sized = make_scheduler(name, {p, goals}, json::object(), "t"),
         unsized = make_scheduler(name, {plain, goals}, json::object(), "t");
    Random random(9);
    int differ = 0, lowered = 0;
    for (int64_t n = 0; n < 200; ++n) {
      const double size = random.uniform(0.5, 2), deadline_s = random.uniform(0.1, 0.3),
                   slow = random.uniform(0.8, 1.5);
      const double factor = p.size_factor(std::string(name) == "sys-only" ? 0 : 2, size);
      const Configuration c = sized->decide({n, deadline_s, deadline_s, size});
      differ += !(c == unsized->decide({n, deadline_s / factor, deadline_s / factor}));
      lowered += c.cap < 3;
      Observation o;
      o.configuration = c;
      o.stages_finished = n % 5 ? c.stage : c.stage - 1;
      o.last_stage_end_s = slow * p.latency_of(c).mean_s * factor;
      o.busy_s = o.last_stage_end_s;
      o.deadline_from_start_s = deadline_s;
      o.size = size;
      sized->observe(o);
      o.last_stage_end_s /= factor;
      o.busy_s /= factor;
      o.deadline_from_start_s /= factor;
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
  // small@50 takes 0.1, 0.114, 0.1 s. Alone the second is late; together they are done by 0.33 s.
  TruthTable t = truth_of(p, {1, 1.14, 1});
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 1});
  t.members_left = {3, 2, 1};
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 0});
  t = truth_of(p, {1.14, 1, 1});  // beyond its share, not beyond the group's time
  t.members_left = {3, 2, 1};
  CHECK(run("oracle-static", p, t, goals).configurations[0] == Configuration{0, 1, 0});
  t = truth_of(p, {1.14, 1.14, 1.14});
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
      for (auto left = static_cast<int64_t>(1 + random.below(most)); left > 0; --left)
        t.members_left.push_back(left);
    }
    const double deadline = random.uniform(0.04, 0.2);
    std::vector<Arrivals> kinds = {Arrivals::closed, Arrivals::open};
    if (seed % 3 == 0) {  // timed arrivals are of inputs alone
      t.members_left.clear();
      std::vector<double> times{0};
      while (times.size() < 61) times.push_back(times.back() + random.uniform(0, 0.3));
      kinds.push_back(Arrivals::at(times));
    }
    for (const Arrivals& arrivals : kinds)
      for (const Goals& goals : {min_energy(deadline, random.uniform(0.1, 0.7)),
                                 min_error(deadline, deadline * random.uniform(35, 100))}) {
        const auto choice =
            make_scheduler("oracle-static", {p, goals, &t, arrivals}, json::object(), "t")->decide({});
        const auto score_of = [&](const Configuration& c) {
          ReplayEnvironment environment(recording, arrivals, goals.deadline_s);
          GoalJudge judge(goals);
          double sum = 0, energy_j = 0;
          for (int64_t n = 0; n < t.inputs; ++n) {
            const Arrival a = environment.arrive(n);
            const Outcome o = environment.execute(c, context_of(n, a, 1));
            Violations violations = violations_of(goals, o);
            judge.add(o, opens_group(t, n), violations);
            sum += objective(goals, o);
            energy_j += *o.energy_j;
          }
          const GoalVerdict v = judge.verdict();
          return std::make_tuple(v.violated_strict ? 1 - v.satisfaction : 0.0, sum * (1 + 1e-12),
                                 energy_j * (1 + 1e-12));
        };
        auto chosen = score_of(choice);
        std::get<1>(chosen) *= 1 - 1e-9;  // sums of another order
        std::get<2>(chosen) *= 1 - 1e-9;
        int better = 0;
        for (int m = 0; m < 3; ++m)
          for (int s = 1; s <= p.models[static_cast<size_t>(m)].stages(); ++s)
            for (int c = 0; c < p.caps(); ++c) better += score_of({m, s, c}) < chosen;
        CHECK(better == 0);
      }
  }
}

TEST_CASE("no choice of configurations beats the bound of oracle-mean, however inputs arrive") {
  constexpr int64_t inputs = 6;
  int bounds = 0, met = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Recording recording;
    Profile& p = recording.profile = two_by_two();
    p.idle_power_w = 25;
    TruthTable& t = recording.truth = wild_truth(p, inputs, seed);
    Random random(seed);
    const double deadline = random.uniform(0.1, 0.3);
    std::vector<double> times{0};
    for (int64_t n = 0; n < inputs; ++n)
      times.push_back(times.back() + random.uniform(0, 2) * deadline * (random.below(3) > 0));
    const int64_t first = random.below(2) ? 1 : 0;
    std::vector<Configuration> configurations;
    for (int m = 0; m < static_cast<int>(p.models.size()); ++m)
      for (int c = 0; c < p.caps(); ++c)
        configurations.push_back({m, p.models[static_cast<size_t>(m)].stages(), c});
    for (const Arrivals& arrivals : {Arrivals(Arrivals::open), Arrivals::at(times)})
      for (const Goals& goals : {min_energy(deadline, random.uniform(0.3, 0.8)),
                                 min_error(deadline, deadline * random.uniform(30, 90))}) {
        SchedulerInputs known{p, goals, &t, arrivals};
        known.first_judged = first;
        const auto oracle = make_scheduler("oracle-mean", known, json::object(), "t");
        const auto bound = oracle->bound();
        bounds += bound.has_value();
        double best = infinity;
        size_t choices = 1;
        for (int64_t n = 0; n < inputs; ++n) choices *= configurations.size();
        for (size_t choice = 0; choice < choices; ++choice) {
          ReplayEnvironment environment(recording, arrivals, goals.deadline_s);
          GoalJudge judge(goals);
          double sum = 0;
          size_t rest = choice;
          for (int64_t n = 0; n < inputs; ++n, rest /= configurations.size()) {
            const Arrival a = environment.arrive(n);
            const Outcome o =
                environment.execute(configurations[rest % configurations.size()], context_of(n, a, 1));
            if (n < first) continue;
            Violations violations = violations_of(goals, o);
            judge.add(o, true, violations);
            sum += objective(goals, o);
          }
          if (!judge.verdict().violated(goals.judge))
            best = std::min(best, sum / static_cast<double>(inputs - first));
        }
        if (!bound) continue;
        CAPTURE(seed, goals.deadline_s);
        REQUIRE(best < infinity);  // its own choice is one of them
        CHECK(bound->objective <= best + 1e-9);
        CHECK(bound->objective + bound->gap >= best - 1e-9);
        met += bound->objective > 0.5 * best;  // and it says something
      }
  }
  CHECK(bounds > 20);
  CHECK(met > bounds / 2);
}

TEST_CASE("oracle knows when the next input arrives") {
  // Uncapped, the work takes less energy; capped, it leaves less time to idle.
  Profile p = two_by_two();
  p.active_power_w = {50, 95, 50, 95};
  const TruthTable t = truth_of(p, {1.0, 1.0, 1.0});
  const Goals goals = min_energy(1, 0.3);
  const Arrivals arrivals = Arrivals::at({0, 0.01, 5, 9});
  const auto oracle = make_scheduler("oracle", {p, goals, &t, arrivals}, json::object(), "t");
  const TrueOutcomes outcomes(t, p, goals);
  Pacing pacing(arrivals, goals.deadline_s);
  for (int64_t n = 0; n < 3; ++n) {
    const Arrival a = pacing.arrive(1);
    const Configuration chosen = oracle->decide(context_of(n, a, 1));
    double least_j = infinity, chosen_j = 0, busy_s = 0;
    for (size_t k = 0; k < outcomes.size(); ++k) {
      const TrueOutcome o = outcomes.at(k, true_context_of(n, a, 1));
      if (!o.violated) least_j = std::min(least_j, o.energy_j);
      if (outcomes.configuration(k) == chosen) chosen_j = o.energy_j, busy_s = o.busy_s;
    }
    CHECK(chosen_j == Approx(least_j));
    CHECK(chosen == Configuration{0, 1, n == 0 ? 1 : 0});  // the second input comes at once
    pacing.executed(a.arrival_s + a.wait_s + busy_s, busy_s);
  }
}

TEST_CASE("registry: names, needs, settings") {
  const Profile p = two_by_two();
  const TruthTable t = truth_of(p, {1.0});
  const Goals goals = min_energy(0.15, 0.5);
  CHECK_THROWS_WITH(make_scheduler("alrt", {p, goals}, {}, "s.json"),
                    ContainsSubstring("s.json") && ContainsSubstring("\"alert\""));
  CHECK_THROWS_WITH(make_scheduler("app-only", {p, goals}, {}, "s"), ContainsSubstring("anytime"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {p, goals}, {}, "s"), ContainsSubstring("recording"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {mixed(), goals, &t}, {}, "s"),
                    ContainsSubstring("recording has 2"));
  CHECK_THROWS_WITH(make_scheduler("oracle", {p, goals, &t}, {{"x", 1}}, "s"),
                    ContainsSubstring("unknown key"));
  CHECK_THROWS_WITH(make_scheduler("sys-only", {p, goals}, {{"windw", 1}}, "s"),
                    ContainsSubstring("\"window\""));
  CHECK_THROWS_WITH(make_scheduler("sys-only", {p, goals}, {{"rounding", "up"}}, "s"),
                    ContainsSubstring("nearest") && ContainsSubstring("down"));
  CHECK(effective_settings("sys-only", {{"pole", 0.5}}, "s")["pole_1"] == 0.5);  // its older name
  CHECK_THROWS_WITH(effective_settings("sys-only", {{"pole", 0.5}, {"pole_1", 0.5}}, "s"),
                    ContainsSubstring("omit one of them"));
  const json poet = {{"window", 20},       {"pole_1", 0.1},       {"pole_2", 0.8},
                     {"zero_1", 0.7},      {"mu", 0.9},           {"feedback", "applied"},
                     {"rounding", "down"}, {"first_rate", "use"}, {"margin", 0.1}};
  const json effective = json::parse(effective_settings("no-coord", poet, "s").dump());
  for (const auto& [key, value] : poet.items()) CHECK(effective[key] == value);
  CHECK_THROWS_AS(make_scheduler("alert", {p, min_energy(0, 0.5)}, {}, "s"), InputError);
  CHECK_THROWS_AS(make_scheduler("alert", {p, {"x", Task::min_error, 0.1, {}, {}}}, {}, "s"), InputError);
  CHECK(known_schedulers().size() >= 11);
  for (const SchedulerInfo& info : known_schedulers()) {
    const auto settings = effective_settings(info.name, json::object(), "s");
    CHECK(effective_settings(info.name, json::parse(settings.dump()), "s") == settings);
  }
}
