#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "catch.h"
#include "core/goal_judge.h"
#include "price_by_hand.h"
#include "schedulers/price.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

namespace {

// Phases of 10 to 50 inputs at each level in turn, noise of 8 %, and 2 % of spikes of 3 to 8 times. All
// stages slow down alike.
std::vector<double> slowdowns(const std::vector<double>& levels, int inputs, uint64_t seed) {
  Random random(seed);
  std::vector<double> all;
  for (size_t phase = 0; static_cast<int>(all.size()) < inputs; ++phase)
    for (uint64_t left = 10 + random.below(41); left > 0 && static_cast<int>(all.size()) < inputs; --left) {
      const double spike = random.below(50) == 0 ? random.uniform(3, 8) : 1;
      all.push_back(levels[phase % levels.size()] * spike * std::exp(0.08 * random.normal()));
    }
  return all;
}

struct Judged {
  std::vector<Configuration> configurations;
  std::vector<Outcome> outcomes;
  GoalVerdict verdict;
};

// Replays with groups, sizes and warm-up as the evaluation does. `meter` turns the model's energy of a period
// into the measured one.
using Meter = std::function<std::optional<double>(double)>;
Judged replay(Scheduler& scheduler, const Profile& p, const TruthTable& t, const Goals& goals,
              int64_t first = 0, const Meter& meter = {}) {
  Judged result;
  Pacing pacing(Arrivals::closed, goals.deadline_s);
  GoalJudge judge(goals);
  for (int64_t n = 0; n < t.inputs; ++n) {
    const InputFacts facts = t.facts_of(n);
    const Arrival arrival = pacing.arrive(facts.members_left);
    const Context context = context_of(n, arrival, facts.size / p.mean_size);
    const Configuration c = scheduler.decide(context);
    Outcome o = outcome_of(t, p, c, context);
    pacing.executed(arrival.arrival_s + arrival.wait_s + o.busy_s, o.busy_s);
    if (meter) o.energy_j = meter(*o.energy_j);
    scheduler.observe(observation_of(c, context, o, 0));
    result.configurations.push_back(c);
    result.outcomes.push_back(o);
    Violations violations = violations_of(goals, o);
    if (n >= first) judge.add(o, opens_group(t, n), violations);
  }
  result.verdict = judge.verdict();
  return result;
}

Judged replay(const Profile& p, const TruthTable& t, const Goals& goals,
              const json& settings = json::object(), int64_t first = 0, const Meter& meter = {}) {
  SchedulerInputs inputs{p, goals};
  inputs.first_judged = first;
  inputs.total_inputs = t.inputs;
  return replay(*make_scheduler("price", inputs, settings, "test"), p, t, goals, first, meter);
}

Goals on_average(Goals goals) {
  goals.judge = Judge::mean;
  return goals;
}

TruthTable sentences(const Profile& p, int64_t inputs, uint64_t seed) {
  TruthTable t = truth_of(p, slowdowns({1, 1.7}, static_cast<int>(inputs), seed));
  Random random(seed);
  while (static_cast<int64_t>(t.members_left.size()) < inputs) {
    const auto left = inputs - static_cast<int64_t>(t.members_left.size());
    for (int64_t n = std::min<int64_t>(left, 2 + static_cast<int64_t>(random.below(20))); n > 0; --n)
      t.members_left.push_back(n);
  }
  return t;
}

// Of the inputs on which both make the same choice, all before the first that differs.
int64_t same_choices(const Profile& p, const TruthTable& t, const Goals& goals, int64_t first) {
  struct Both : Scheduler {
    Both(const SchedulerInputs& inputs)
        : hand(inputs.profile, inputs.goals, inputs.first_judged),
          price(make_scheduler("price", inputs, json::object(), "test")) {}
    Configuration decide(const Context& context) override {
      const Configuration mine = price->decide(context);
      differs = differs || !(hand.decide(context) == mine);
      same += !differs;
      return mine;
    }
    void observe(const Observation& o) override { hand.observe(o), price->observe(o); }
    PriceByHand hand;
    std::unique_ptr<Scheduler> price;
    bool differs = false;
    int64_t same = 0;
  };
  SchedulerInputs inputs{p, goals};
  inputs.first_judged = first;
  Both both(inputs);
  replay(both, p, t, goals, first);
  return both.same;
}

}  // namespace

TEST_CASE("price chooses as its algorithm restated by hand, input by input") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 400, 5));
  for (const double deadline_s : {0.05, 0.09, 0.15, 0.24}) {
    for (const double accuracy : {0.53, 0.62, 0.74})
      CHECK(same_choices(p, t, on_average(min_energy(deadline_s, accuracy)), 10) == t.inputs);
    for (const double power_w : {35, 60, 90})
      CHECK(same_choices(p, t, on_average(min_error(deadline_s, power_w * deadline_s)), 10) == t.inputs);
  }
}

TEST_CASE("price chooses as restated by hand for sentences and for inputs of different size") {
  Profile p = mixed();
  TruthTable t = sentences(p, 400, 11);
  for (const double deadline_s : {0.06, 0.11, 0.2}) {
    CHECK(same_choices(p, t, on_average(min_energy(deadline_s, 0.62)), 7) == t.inputs);
    CHECK(same_choices(p, t, on_average(min_error(deadline_s, 60 * deadline_s)), 7) == t.inputs);
  }
  t.members_left.clear();
  Random random(2);
  for (ModelProfile& model : p.models) model.size_growth = 0.7;
  for (int64_t n = 0; n < t.inputs; ++n) t.size.push_back(random.uniform(0.3, 2.5));
  CHECK(same_choices(p, t, on_average(min_energy(0.13, 0.66)), 0) == t.inputs);
  CHECK(same_choices(p, t, on_average(min_error(0.13, 8)), 0) == t.inputs);
}

// Nothing was seen, so both regimes are half likely. Deadline and goal of the first test of `alert`.
TEST_CASE("price's first choice: the least price that is expected to meet the goal") {
  const Profile p = two_by_two();
  for (const double accuracy : {0.3, 0.45, 0.5, 0.55}) {
    const auto price = make_scheduler("price", {p, min_energy(0.15, accuracy)}, {}, "test");
    price->decide({0, 0.15, 0.15});
    CHECK(price->prediction()->accuracy >= accuracy);
  }
  for (const double energy_j : {7.2, 8.0, 9.0}) {
    const auto price = make_scheduler("price", {p, min_error(0.15, energy_j)}, {}, "test");
    price->decide({0, 0.15, 0.15});
    CHECK(price->prediction()->energy_j <= energy_j);
  }
}

TEST_CASE("price meets goals on average that no single configuration meets as cheaply") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 1200, 9));
  for (const double accuracy : {0.58, 0.66, 0.72}) {
    const Goals goals = on_average(min_energy(0.2, accuracy));
    const Judged run = replay(p, t, goals, {}, 10);
    CHECK_FALSE(run.verdict.violated_mean);
    CHECK(run.verdict.mean_accuracy < accuracy + 0.02);
  }
  for (const double power_w : {45, 60, 80}) {
    const Goals goals = on_average(min_error(0.2, power_w * 0.2));
    const Judged run = replay(p, t, goals, {}, 10);
    CHECK_FALSE(run.verdict.violated_mean);
    CHECK(*run.verdict.mean_energy_j > 0.85 * power_w * 0.2);
  }
}

TEST_CASE("price follows a co-runner with three levels, with two to four regimes") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.5, 2.3}, 900, 4));
  for (const int regimes : {2, 3, 4}) {
    const json settings = {{"slowdown", {{"regimes", regimes}}}};
    CHECK_FALSE(replay(p, t, on_average(min_energy(0.2, 0.66)), settings, 10).verdict.violated_mean);
    CHECK_FALSE(replay(p, t, on_average(min_error(0.2, 12)), settings, 10).verdict.violated_mean);
  }
}

TEST_CASE("a goal that nothing meets: price buys all it can, and recovers") {
  const Profile p = mixed();
  std::vector<double> slowdown(300, 1.0);
  slowdown.insert(slowdown.begin(), 300, 20.0);  // hopeless at first
  const TruthTable t = truth_of(p, slowdown);
  const Judged accurate =
      replay(p, truth_of(p, std::vector<double>(200, 1.0)), on_average(min_energy(0.25, 0.99)));
  CHECK(accurate.configurations.back().model == 1);
  CHECK(accurate.verdict.violated_mean);
  const Judged cheap =
      replay(p, truth_of(p, std::vector<double>(200, 1.0)), on_average(min_error(0.25, 0.1)));
  const double least_j =
      std::min_element(cheap.outcomes.begin(), cheap.outcomes.end(), [](const Outcome& a, const Outcome& b) {
        return *a.energy_j < *b.energy_j;
      })->energy_j.value();
  CHECK(*cheap.outcomes.back().energy_j == least_j);
  const Judged run = replay(p, t, on_average(min_energy(0.25, 0.6)));
  double late = 0;
  for (size_t n = 400; n < 600; ++n) late += run.outcomes[n].stage_delivered == 0;
  CHECK(late == 0);
}

TEST_CASE("price survives whatever numbers it is given") {
  const Profile p = mixed();
  Random random(8);
  const double odd[] = {0, -1, std::nan(""), infinity, -infinity, 1e300, 1e-300, 0.1};
  const auto any = [&] { return odd[random.below(8)]; };
  for (const Goals& goals : {on_average(min_energy(0.1, 0.6)), on_average(min_error(0.1, 7))}) {
    const auto price = make_scheduler("price", {p, goals}, {}, "test");
    bool inside = true;
    for (int64_t n = 0; n < 2000; ++n) {
      const bool sane = n % 3 == 0;
      Context context{n, sane ? 0.1 : any(), sane ? 0.1 : any()};
      if (!sane)
        context.group_deadline_from_start_s = any(),
        context.members_left = 1 + static_cast<int64_t>(random.below(3));
      const Configuration c = price->decide(context);
      inside = inside && c.model >= 0 && c.model < 3 && c.stage >= 1 &&
               c.stage <= p.models[static_cast<size_t>(c.model)].stages() && c.cap >= 0 && c.cap < p.caps();
      Observation o;
      o.configuration = c;
      o.stages_finished = static_cast<int>(random.below(2));
      o.last_stage_end_s = any(), o.busy_s = any(), o.period_s = any();
      o.accuracy = random.below(4) == 0 ? any() : 0.6;
      o.energy_j = any();
      o.idle_power_w = any();
      price->observe(o);
    }
    CHECK(inside);
    price->decide({2000, 0.1, 0.1});
    CHECK(std::isfinite(price->prediction()->accuracy));
  }
}

TEST_CASE("price is deterministic, and the warm-up is not in its bank") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 300, 6));
  const Goals goals = on_average(min_energy(0.2, 0.66));
  CHECK(replay(p, t, goals).configurations == replay(p, t, goals).configurations);
  // As long as nothing is judged, price and bank stand still: with the same distribution, the same choice.
  const Judged unjudged = replay(p, truth_of(p, std::vector<double>(300, 1.0)), goals, {}, 300);
  CHECK(std::all_of(unjudged.configurations.begin() + 100, unjudged.configurations.end(),
                    [&](const Configuration& c) { return c == unjudged.configurations[100]; }));
  CHECK_FALSE(replay(p, t, goals, {}, 0).configurations == replay(p, t, goals, {}, 100).configurations);
}

TEST_CASE("price with a known number of inputs plans for all of them, and must be told how many") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 300, 1));
  for (const Goals& goals : {on_average(min_energy(0.2, 0.66)), on_average(min_error(0.2, 11))}) {
    const Judged known = replay(p, t, goals, {{"horizon", "known"}});
    CHECK_FALSE(known.verdict.violated_mean);
    CHECK_FALSE(known.configurations == replay(p, t, goals).configurations);
    CHECK_THROWS_AS(make_scheduler("price", {p, goals}, {{"horizon", "known"}}, "test"), InputError);
  }
}

TEST_CASE("price's floor: no input is expected below it unless nothing else is left") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(300, 1.0));
  const Goals goals = on_average(min_energy(0.25, 0.56));
  const auto least = [&](const json& settings) {
    const Judged run = replay(p, t, goals, settings);
    double accuracy = 1;
    for (size_t n = 50; n < run.outcomes.size(); ++n) accuracy = std::min(accuracy, run.outcomes[n].accuracy);
    return accuracy;
  };
  CHECK(least(json::object()) < 0.6);
  CHECK(least({{"accuracy_floor", 0.58}}) >= 0.6);
  CHECK(least({{"accuracy_floor", 0.99}}) == 0.8);  // of none: the most accurate
}

TEST_CASE("price banks measured energy, also where the model is wrong or there is no meter") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 900, 3));
  const Goals goals = on_average(min_error(0.2, 11));
  for (const double factor : {0.8, 1.25}) {
    const Meter meter = [&](double model_j) { return std::optional<double>(factor * model_j); };
    const Judged run = replay(p, t, goals, {}, 10, meter);
    CHECK_FALSE(run.verdict.violated_mean);
    CHECK(*run.verdict.mean_energy_j > 0.9 * 11);
    CHECK_FALSE(replay(p, t, goals, {{"power_gain", 0}}, 10, meter).configurations == run.configurations);
  }
  const Judged blind = replay(p, t, goals, {}, 10, [](double) { return std::optional<double>(); });
  CHECK(blind.configurations == replay(p, t, goals, {}, 10).configurations);  // the model happens to be right
}

TEST_CASE("every part of price can be switched off, and makes a difference") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 500, 12));
  const auto differs = [&](const Goals& goals, const json& settings) {
    return !(replay(p, t, goals, settings).configurations == replay(p, t, goals).configurations);
  };
  const Goals goals = on_average(min_energy(0.2, 0.66)), budget = on_average(min_error(0.2, 11));
  for (const json& settings :
       {json{{"reserve", {{"start", 0.5}, {"step", 0}}}}, json{{"bank", {{"on", false}}}},
        json{{"slowdown", {{"histogram", false}}}}, json{{"slowdown", {{"regimes", 1}}}},
        json{{"rule", "goal"}}, json{{"gain", 0}}, json{{"swing", 0}}}) {
    INFO(settings.dump());
    CHECK(differs(goals, settings));
    CHECK(differs(budget, settings));
  }
  CHECK(differs(on_average(min_energy(0.08, 0.4)), {{"late", {{"on", false}}}}));
}

TEST_CASE("without the bank, price misses goals by what the model is wrong") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, slowdowns({1, 1.8}, 900, 3));
  const Goals goals = on_average(min_error(0.2, 11));
  const Meter meter = [](double model_j) { return std::optional<double>(1.25 * model_j); };
  CHECK(replay(p, t, goals, {{"bank", {{"on", false}}}, {"power_gain", 0}}, 10, meter).verdict.violated_mean);
}

TEST_CASE("price's settings are strict, and read() accepts what to_json() writes") {
  const json all(effective_settings("price", json::object(), "t"));
  CHECK(json(effective_settings("price", all, "t")) == all);
  CHECK(all["reserve"]["start"] == 6);
  const Profile p = two_by_two();
  for (const json& wrong : {json{{"gian", 1}}, json{{"rule", "cheap"}}, json{{"slowdown", {{"regimes", 5}}}},
                            json{{"slowdown", {{"stay", 1.5}}}}, json{{"bank", {{"longest_inputs", 10}}}},
                            json{{"reserve", {{"start", 9}, {"most", 3}}}}, json{{"late", {{"shares", 0}}}},
                            json{{"accuracy_floor", 2}}}) {
    INFO(wrong.dump());
    CHECK_THROWS_AS(make_scheduler("price", {p, min_energy(0.1, 0.5)}, wrong, "t"), InputError);
  }
}

TEST_CASE("price with a single configuration, and with power that does not rise above idling") {
  Profile p = profile_of({{"only", {0.7}, {0.05}}}, {60});
  for (const double active_w : {60.0, 5.0}) {
    p.active_power_w = {active_w};
    const TruthTable t = truth_of(p, std::vector<double>(100, 1.0));
    CHECK(replay(p, t, on_average(min_energy(0.1, 0.6))).verdict.late_share == 0);
    CHECK(replay(p, t, on_average(min_error(0.1, 5))).verdict.late_share == 0);
  }
}
