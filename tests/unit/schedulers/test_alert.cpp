#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "catch.h"
#include "core/goal_judge.h"
#include "schedulers/alert.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

namespace {

double phi(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

Configuration first_choice(const Profile& p, const Goals& goals, const json& settings = json::object()) {
  return make_scheduler("alert", {p, goals}, settings, "test")
      ->decide({0, goals.deadline_s, goals.deadline_s});
}

const Configuration small_50{0, 1, 0}, small_100{0, 1, 1}, large_100{1, 1, 1};

// All stages drawn apart, as contention and noise would.
TruthTable random_truth(const Profile& p, int inputs, uint64_t seed) {
  Random random(seed);
  std::vector<double> slowdown;
  for (int i = 0; i < inputs; ++i) slowdown.push_back((i / 20 % 2 ? 1.6 : 1.0) * random.uniform(0.9, 1.15));
  return truth_of(p, slowdown);
}

}  // namespace

// Deadline 0.15 s, sigma = sqrt(0.1), phi = 0.1:
//            q_hat                               e_hat
// small@50   0.1 + 0.5 * Phi(1.58) = 0.5715      50*0.1  + 5*0.05  = 5.25
// small@100  0.1 + 0.5 * Phi(6.3)  = 0.6         100*0.05 + 10*0.1 = 6
// large@50   0.1 + 0.7 * Phi(-0.79) = 0.2502     50*0.2            = 10
// large@100  0.1 + 0.7 * Phi(1.58) = 0.7602      100*0.1 + 10*0.05 = 10.5
TEST_CASE("alert, least energy, by hand") {
  const Profile p = two_by_two();
  CHECK(first_choice(p, min_energy(0.15, 0.5)) == small_50);
  CHECK(first_choice(p, min_energy(0.15, 0.571)) == small_50);
  CHECK(first_choice(p, min_energy(0.15, 0.572)) == small_100);
  CHECK(first_choice(p, min_energy(0.15, 0.6)) == small_100);
  CHECK(first_choice(p, min_energy(0.15, 0.7)) == large_100);
  CHECK(first_choice(p, min_energy(0.15, 0.79)) == large_100);  // infeasible: the highest q_hat
}

TEST_CASE("alert, least error, by hand") {
  const Profile p = two_by_two();
  CHECK(first_choice(p, min_error(0.15, 10.6)) == large_100);
  CHECK(first_choice(p, min_error(0.15, 10.4)) == small_100);
  CHECK(first_choice(p, min_error(0.15, 5.9)) == small_50);
  CHECK(first_choice(p, min_error(0.15, 5)) == large_100);  // infeasible: the highest q_hat
  CHECK(first_choice(p, min_error(0.15, 5), {{"priority", {"energy", "latency", "accuracy"}}}) == small_50);
}

TEST_CASE("alert, hopeless deadline: what is most likely to finish") {
  CHECK(first_choice(two_by_two(), min_energy(0.01, 0.5)) == small_100);
  CHECK(first_choice(two_by_two(), min_error(0.01, 100)) == Configuration{0, 1, 1});
  CHECK(first_choice(two_by_two(), min_energy(0.01, 0.5), {{"preset", "tuned"}}) == small_100);
}

TEST_CASE("alert with a probability threshold") {
  const Profile p = two_by_two();
  CHECK(first_choice(p, min_energy(0.15, 0.5), {{"probability_threshold", 0.94}}) == small_50);
  CHECK(first_choice(p, min_energy(0.15, 0.5), {{"probability_threshold", 0.95}}) == small_100);
  // P(energy of large@100 <= 10.6 J): met up to xi = 1 + 0.1/9, so just above one half.
  CHECK(first_choice(p, min_error(0.15, 10.6), {{"probability_threshold", 0.5}}) == large_100);
  CHECK(first_choice(p, min_error(0.15, 10.6), {{"probability_threshold", 0.6}}) == small_100);
}

TEST_CASE("alert-mean ignores the variance") {
  const Profile p = two_by_two();
  const Goals goals = min_energy(0.15, 0.6);
  CHECK(make_scheduler("alert-mean", {p, goals}, {}, "t")->decide({0, 0.15, 0.15}) == small_50);
  CHECK(first_choice(p, goals) == small_100);
}

TEST_CASE("alert predicts an anytime network by its stages") {
  const Profile p = profile_of({{"any", {0.5, 0.65, 0.75}, {0.045, 0.08, 0.13}}}, {100});
  auto alert = make_scheduler("alert-any", {p, min_error(0.1, 1000)}, {}, "t");
  CHECK(alert->decide({0, 0.1, 0.1}) == Configuration{0, 3, 0});
  const double sd = std::sqrt(0.1);
  const double p1 = phi((0.1 / 0.045 - 1) / sd), p2 = phi((0.1 / 0.08 - 1) / sd),
               p3 = phi((0.1 / 0.13 - 1) / sd);
  const double expected = (1 - p1) * 0.1 + (p1 - p2) * 0.5 + (p2 - p3) * 0.65 + p3 * 0.75;
  CHECK(alert->prediction()->accuracy == Approx(expected).margin(1e-7));
  CHECK(alert->prediction()->p_deadline == Approx(p1).margin(1e-7));
  CHECK(alert->prediction()->latency_s == Approx(0.1));  // stopped at the deadline
  CHECK(alert->prediction()->energy_j == Approx(100 * 0.1));
}

TEST_CASE("alert observes the last finished stage, or a lower bound") {
  const Profile p = profile_of({{"any", {0.5, 0.65, 0.75}, {0.045, 0.08, 0.13}}}, {100});
  auto alert = make_scheduler("alert", {p, min_error(0.1, 1000)}, {}, "t");
  Observation o;
  o.configuration = {0, 3, 0};
  o.stages_finished = 2;
  o.last_stage_end_s = 0.096;
  o.busy_s = 0.1;
  alert->observe(o);
  CHECK(alert->slowdown()->observed == Approx(1.2));
  o.stages_finished = 0;
  alert->observe(o);
  CHECK(alert->slowdown()->observed == Approx(0.1 / 0.045));
}

TEST_CASE("alert takes its worst warm decision off the deadline") {
  const Profile p = two_by_two();
  const Goals goals = min_energy(0.15, 0.571);
  for (bool overhead : {true, false}) {
    auto alert = make_scheduler("alert", {p, goals}, {{"overhead", overhead}, {"overhead_warmup", 1}}, "t");
    Observation o;
    o.configuration = small_50;
    o.decide_s = 0.05;
    alert->observe(o);  // cold: not looked at; nothing finished in no time: says nothing
    CHECK(alert->decide({1, 0.15, 0.15}) == small_50);
    o.decide_s = 0.01;
    alert->observe(o);
    CHECK(alert->decide({2, 0.15, 0.15}) == (overhead ? small_100 : small_50));
  }
}

TEST_CASE("time has no unit: the same factor on all latencies and the deadline changes no decision") {
  const Profile p = mixed();
  const TruthTable t = random_truth(p, 200, 3);
  for (double factor : {4.0, 0.3}) {
    Profile q = p;
    TruthTable u = t;
    for (LatencyStats& l : q.latency) l.mean_s *= factor;
    for (double& s : u.stage_end_s) s *= factor;
    for (double deadline : {0.06, 0.11, 0.2}) {
      CHECK(run("alert", p, t, min_energy(deadline, 0.62)).configurations ==
            run("alert", q, u, min_energy(deadline * factor, 0.62)).configurations);
      CHECK(run("alert", p, t, min_error(deadline, 70 * deadline)).configurations ==
            run("alert", q, u, min_error(deadline * factor, 70 * deadline * factor)).configurations);
    }
  }
}

TEST_CASE("an input of another size is decided as by a profile of that size") {
  Profile p = mixed();
  const double growth[] = {0.3, 0.9, 1.6};
  for (size_t m = 0; m < 3; ++m) p.models[m].size_growth = growth[m];
  for (const char* name : {"alert", "alert-mean", "alert-any", "alert-trad"})
    for (const double size : {2.0, 0.7}) {
      Profile q = p;  // what p says of inputs of this size
      for (int m = 0; m < 3; ++m)
        for (int row = p.first_row(m); row < p.first_row(m + 1); ++row)
          for (int c = 0; c < p.caps(); ++c)
            q.latency[static_cast<size_t>(row * p.caps() + c)].mean_s *= 1 + growth[m] * (size - 1);
      for (ModelProfile& model : q.models) model.size_growth = 0;
      for (const Goals& goals :
           {min_energy(0.12, 0.62), min_energy(0.02, 0.99), min_error(0.12, 7), min_error(0.3, 14)}) {
        INFO(name << " " << size << " " << to_string(goals.task) << " " << goals.deadline_s);
        auto sized = make_scheduler(name, {p, goals}, json::object(), "t"),
             plain = make_scheduler(name, {q, goals}, json::object(), "t");
        Random random(5);
        int differ = 0;
        for (int64_t n = 0; n < 60; ++n) {
          const double deadline_s = goals.deadline_s * random.uniform(0.5, 1.5),
                       slow = random.uniform(0.8, 2);
          if (n % 3 == 0)
            sized->decide({n, deadline_s, deadline_s, 1.3});  // another size in between leaves nothing behind
          const Configuration c = sized->decide({n, deadline_s, deadline_s, size});
          differ += !(c == plain->decide({n, deadline_s, deadline_s}));
          CHECK(sized->prediction()->latency_s == Approx(plain->prediction()->latency_s));
          CHECK(sized->prediction()->p_deadline == Approx(plain->prediction()->p_deadline).margin(1e-12));
          CHECK(sized->prediction()->accuracy == Approx(plain->prediction()->accuracy));
          CHECK(sized->prediction()->energy_j == Approx(plain->prediction()->energy_j));
          Observation o;
          o.configuration = c;
          o.stages_finished = c.stage;
          o.last_stage_end_s = o.busy_s = slow * q.latency_of(c).mean_s;
          plain->observe(o);
          o.size = size;
          sized->observe(o);
        }
        CHECK(differ == 0);
      }
    }
}

TEST_CASE("the slow-down that alert observes is free of the input's size") {
  Profile p = mixed();
  p.models[2].size_growth = 0.8;
  auto alert = make_scheduler("alert", {p, min_error(0.1, 1000)}, {}, "t");
  Observation o;
  o.configuration = {2, 3, 1};
  for (const double size : {0.25, 1.0, 3.0}) {
    const double factor = 1 + 0.8 * (size - 1);
    o.size = size;
    o.stages_finished = 2;
    o.last_stage_end_s = factor * p.latency_of({2, 2, 1}).mean_s;
    alert->observe(o);
    CHECK(alert->slowdown()->observed == Approx(1));
    o.stages_finished = 0;  // stopped before the first stage: a lower bound
    o.busy_s = 0.5 * factor * p.latency_of({2, 1, 1}).mean_s;
    alert->observe(o);
    CHECK(alert->slowdown()->observed == Approx(0.5));
  }
}

TEST_CASE("the order of the candidates changes no outcome") {
  // Twins under two names, so that ties abound.
  const std::vector<Network> networks = {{"a", {0.6}, {0.05}},
                                         {"b", {0.6}, {0.05}},
                                         {"c", {0.8}, {0.1}},
                                         {"d", {0.5, 0.7}, {0.06, 0.12}},
                                         {"e", {0.5, 0.7}, {0.06, 0.12}}};
  std::vector<Network> shuffled = networks;
  std::rotate(shuffled.begin(), shuffled.begin() + 3, shuffled.end());
  std::swap(shuffled[0], shuffled[1]);
  const Profile p = profile_of(networks, {40, 70, 100}), q = profile_of(shuffled, {40, 70, 100});
  const TruthTable t = random_truth(p, 100, 5), u = random_truth(q, 100, 5);
  for (const SchedulerInfo& info : known_schedulers())
    for (const Goals& goals : {min_energy(0.13, 0.6), min_energy(0.13, 0.99), min_energy(0.02, 0.5),
                               min_error(0.13, 9), min_error(0.13, 0.1)}) {
      const Run a = run(info.name, p, t, goals), b = run(info.name, q, u, goals);
      int differ = 0;
      for (size_t i = 0; i < a.configurations.size(); ++i) {
        const auto &x = a.configurations[i], &y = b.configurations[i];
        const bool same =
            p.models[static_cast<size_t>(x.model)].name == q.models[static_cast<size_t>(y.model)].name &&
            x.stage == y.stage && x.cap == y.cap;
        differ += !same;
      }
      INFO(info.name << " " << to_string(goals.task));
      CHECK(differ == 0);
    }
}

TEST_CASE("in a constant environment alert ends where oracle-static is") {
  const Profile p = mixed();
  const json settings = {{"preset", "tuned"},
                         {"slowdown", {{"process_noise_floor", 1e-9}, {"measurement_noise", 1e-9}}},
                         {"idle", {{"follows_cap", false}}}};
  for (double slowdown : {0.9, 1.0, 1.4}) {
    const TruthTable t = truth_of(p, std::vector<double>(60, slowdown));
    for (const Goals& goals : {min_energy(0.1, 0.55), min_energy(0.16, 0.7), min_energy(0.25, 0.6),
                               min_error(0.16, 9), min_error(0.16, 14), min_error(0.3, 15)}) {
      INFO(slowdown << " " << to_string(goals.task) << " " << goals.deadline_s);
      CHECK(run("alert", p, t, goals, settings).configurations.back() ==
            run("oracle-static", p, t, goals).configurations.back());
    }
  }
}

TEST_CASE("alert with every estimator of the slow-down factor, both tasks") {
  const Profile p = mixed();
  const TruthTable t = random_truth(p, 400, 6);
  const json conformal = {{"miss_share", 0.1}, {"gamma", 0.05}};
  for (const Goals& goals : {min_energy(0.13, 0.6), min_error(0.13, 9)}) {
    const Run plain = run("alert", p, t, goals);
    CHECK(run("alert", p, t, goals, {{"estimator", "gaussian"}, {"conformal", nullptr}}).configurations ==
          plain.configurations);
    for (const char* name : {"alert", "alert-trad", "alert-any", "alert-mean"})
      for (const char* kind : {"gaussian", "student", "regimes", "quantiles"})
        for (const bool wrapped : {false, true}) {
          INFO(name << " " << kind << " " << wrapped << " " << to_string(goals.task));
          json settings = {{"estimator", kind}};
          if (wrapped) settings["conformal"] = conformal;
          const Run r = run(name, p, t, goals, settings);
          int late = 0;
          for (size_t n = 100; n < r.outcomes.size(); ++n) late += r.outcomes[n].stage_delivered == 0;
          CHECK(late < (std::string(name) == "alert-mean" ? 150 : 60));  // means alone are late more often
        }
  }
}

TEST_CASE("alert predicts what its estimator says") {
  const Profile p = profile_of({{"any", {0.5, 0.65, 0.75}, {0.045, 0.08, 0.13}}}, {100});
  for (const char* kind : {"student", "regimes", "quantiles"}) {
    INFO(kind);
    EstimatorSettings settings;
    settings.kind = kind[0] == 's'   ? EstimatorKind::student
                    : kind[0] == 'r' ? EstimatorKind::regimes
                                     : EstimatorKind::quantiles;
    SlowdownEstimator estimator(settings);
    auto alert = make_scheduler("alert-any", {p, min_error(0.1, 1000)}, {{"estimator", kind}}, "t");
    Random random(9);
    for (int i = 0; i < 60; ++i) {
      const double r = std::exp(0.2 * random.normal());
      Observation o;
      o.configuration = {0, 3, 0};
      o.stages_finished = i % 9 ? 2 : 0;
      o.last_stage_end_s = r * 0.08;
      o.busy_s = r * 0.045;
      alert->observe(o);
      i % 9 ? estimator.update(r) : estimator.exceeded(r);
      CHECK(alert->slowdown()->mean == Approx(estimator.mean()));
      CHECK(alert->slowdown()->sd == Approx(estimator.sd()));
      alert->decide({i, 0.1, 0.1});
      const double p1 = estimator.cdf(0.1 / 0.045), p2 = estimator.cdf(0.1 / 0.08),
                   p3 = estimator.cdf(0.1 / 0.13);
      CHECK(alert->prediction()->p_deadline == Approx(p1));
      if (alert->decide({i, 0.1, 0.1}).stage == 3)
        CHECK(alert->prediction()->accuracy ==
              Approx((1 - p1) * 0.1 + (p1 - p2) * 0.5 + (p2 - p3) * 0.65 + p3 * 0.75));
      alert->decide({i, 0, 0.1});
      CHECK(alert->prediction()->accuracy == Approx(0.1).margin(0.01));
    }
  }
}

TEST_CASE("conformal: late inputs with a promise are at most those that exceeded the bound") {
  const Profile p = mixed();
  const TruthTable t = random_truth(p, 600, 8);
  for (const double deadline_s : {0.13, 0.06, 0.02}) {
    AlertSettings settings;
    settings.estimator.kind = EstimatorKind::quantiles;
    settings.conformal = ConformalConstants{0.05, 0.02};
    const Goals goals = min_energy(deadline_s, 0.6);
    Alert alert({p, goals}, settings, Candidates::all, false);
    int64_t late = 0, without = 0;
    for (int64_t n = 0; n < t.inputs; ++n) {
      const Context context{n, deadline_s, deadline_s};
      const Configuration c = alert.decide(context);
      const Outcome o = outcome_of(t, p, c, context);
      const int64_t before = alert.conformal()->unpromised();
      alert.observe(observation_of(c, context, o, 0));
      const bool promised = alert.conformal()->unpromised() == before;
      without += !promised;
      late += promised && o.stage_delivered == 0;
    }
    INFO(deadline_s);
    const ConformalLevel& level = *alert.conformal();
    CHECK(late <= level.exceeded());
    if (level.observed() > 0)
      CHECK(static_cast<double>(level.exceeded()) <=
            (0.05 + level.guarantee()) * static_cast<double>(level.observed()));
    CHECK(without == level.unpromised());
    CHECK(without < (deadline_s > 0.1 ? 300 : 601));
    CHECK((deadline_s > 0.03 || without == 600));  // no first stage is that fast
  }
}

TEST_CASE("settings of alert's estimators are read strictly") {
  const auto effective = [](const json& s) { return effective_settings("alert", s, "t"); };
  CHECK(effective({})["estimator"] == "gaussian");
  CHECK(effective({})["conformal"].is_null());
  CHECK(effective({})["slowdown"]["predict_with_noise"] == false);
  const json set = {{"estimator", "regimes"},
                    {"regimes", {{"stay", 0.9}}},
                    {"student", {{"drift", 0.01}}},
                    {"quantiles", {{"range", 0.5}}},
                    {"slowdown", {{"predict_with_noise", true}}},
                    {"conformal", {{"miss_share", 0.1}}}};
  const auto out = effective(set);
  CHECK(out["regimes"]["stay"] == 0.9);
  CHECK(out["student"]["drift"] == 0.01);
  CHECK(out["quantiles"]["range"] == 0.5);
  CHECK(out["slowdown"]["predict_with_noise"] == true);
  CHECK(out["conformal"].dump() == R"({"miss_share":0.1,"gamma":0.02})");
  CHECK(effective(json::parse(out.dump())).dump() == out.dump());

  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(effective({{"estimator", "quantile"}}),
                    ContainsSubstring("quantiles") && ContainsSubstring("gaussian"));
  CHECK_THROWS_WITH(effective({{"conformal", {{"miss_share", 0}}}}),
                    ContainsSubstring("conformal") && ContainsSubstring("miss_share"));
  CHECK_THROWS_WITH(effective({{"conformal", {{"gama", 0.1}}}}), ContainsSubstring("\"gamma\""));
  CHECK_THROWS_WITH(effective({{"regimes", {{"stay", 0.2}}}}),
                    ContainsSubstring("stay") && ContainsSubstring("0.2"));
  CHECK_THROWS_AS(effective({{"conformal", 0.05}}), InputError);
}

TEST_CASE("settings of alert: presets, single constants, all of them back") {
  const auto effective = [](const json& s) { return effective_settings("alert", s, "t"); };
  CHECK(effective({})["slowdown"]["process_noise_floor"] == 0.1);
  CHECK(effective({})["probability_threshold"].is_null());
  CHECK(effective({{"preset", "tuned"}})["slowdown"]["process_noise_floor"] == 0.03);
  CHECK(effective({{"preset", "tuned"}})["probability_threshold"] == 0.9);
  CHECK(effective({{"preset", "tuned"}, {"probability_threshold", 0.7}})["probability_threshold"] == 0.7);
  const json set = {
      {"preset", "tuned"}, {"slowdown", {{"process_noise_floor", 0.02}}}, {"idle", {{"ratio", 0.3}}}};
  const auto out = effective(set);
  CHECK(out["slowdown"]["process_noise_floor"] == 0.02);
  CHECK(out["slowdown"]["measurement_noise"] == 0.1);
  CHECK(effective(json::parse(out.dump())).dump() == out.dump());

  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(effective({{"presett", "tuned"}}), ContainsSubstring("did you mean \"preset\""));
  CHECK_THROWS_WITH(effective({{"slowdown", {{"gian", 1}}}}),
                    ContainsSubstring("slowdown") && ContainsSubstring("\"gain\""));
  CHECK_THROWS_WITH(effective({{"preset", "tunde"}}), ContainsSubstring("tuned"));
  CHECK_THROWS_WITH(effective({{"priority", {"latency", "latency", "energy"}}}),
                    ContainsSubstring("priority"));
  CHECK_THROWS_AS(effective({{"probability_threshold", 2}}), InputError);
  CHECK_THROWS_AS(effective({{"slowdown", {{"gain", std::nan("")}}}}), InputError);
}

TEST_CASE("a goal for a window of inputs, as a goal for the next one") {
  GoalWindow window(3);
  CHECK(window.on());
  CHECK(window.next(0.8) == 0.8);
  window.add(0.6);
  CHECK(window.next(0.8) == Approx(1.0));
  window.add(0.9);
  CHECK(window.next(0.8) == Approx(0.9));
  window.add(0.9);  // the first one leaves the window
  CHECK(window.next(0.8) == Approx(0.6));
  for (const int off : {0, 1}) {
    GoalWindow none(off);
    none.add(0.1);
    CHECK_FALSE(none.on());
    CHECK(none.next(0.8) == 0.8);
  }
}

TEST_CASE("with a goal window ALERT mixes, and keeps the goal on average for less") {
  const Profile p = two_by_two();
  const TruthTable t = truth_of(p, std::vector<double>(400, 1.0));
  const nlohmann::json window = {{"goal_window", 20},
                                 {"slowdown", {{"process_noise_floor", 1e-6}, {"measurement_noise", 1e-3}}}},
                       without = {{"slowdown", window["slowdown"]}};
  const auto mean_of_last = [&](const Run& r, const auto& value) {
    double sum = 0;
    for (size_t n = 100; n < 400; ++n) sum += value(r.outcomes[n]);
    return sum / 300;
  };
  const auto accuracy = [](const Outcome& o) { return o.accuracy; };
  const auto energy = [](const Outcome& o) { return *o.energy_j; };
  const double low = p.models[0].accuracy[0], high = p.models[1].accuracy[0];

  const Goals least_energy = min_energy(1, 0.7 * low + 0.3 * high);
  const Run mixed_run = run("alert", p, t, least_energy, window),
            fixed_run = run("alert", p, t, least_energy, without);
  CHECK(mean_of_last(fixed_run, accuracy) == Approx(high));
  CHECK(mean_of_last(mixed_run, accuracy) == Approx(*least_energy.accuracy).margin(0.01));
  CHECK(mean_of_last(mixed_run, energy) < 0.97 * mean_of_last(fixed_run, energy));

  // A budget between what the two networks need at the least: the window buys the better one now and then,
  // and where the moved budget is below everything the cheapest comes first, not the most accurate.
  const Run cheap = run("alert", p, t, min_energy(1, low), without),
            dear = run("alert", p, t, min_energy(1, high), without);
  const double cheap_j = mean_of_last(cheap, energy), dear_j = mean_of_last(dear, energy);
  const Goals least_error = min_error(1, 0.6 * cheap_j + 0.4 * dear_j);
  const Run bought = run("alert", p, t, least_error, window);
  CHECK(mean_of_last(run("alert", p, t, least_error, without), accuracy) == Approx(low));
  CHECK(mean_of_last(bought, energy) <= *least_error.energy_j * 1.01);
  CHECK(mean_of_last(bought, accuracy) > low + 0.2 * (high - low));
}
