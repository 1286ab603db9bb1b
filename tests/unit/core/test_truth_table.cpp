#include "catch.h"
#include "core/delivery.h"
#include "core/goal_judge.h"
#include "core/truth_table.h"
#include "schedulers_fixture.h"

using namespace alertbench;

namespace {

const ModelProfile traditional{"t", false, {0.7}, "assumed", ""};
const ModelProfile anytime{"a", false, {0.3, 0.5, 0.6}, "assumed", ""};

// As outcome_of() for an input alone.
Outcome delivered(const ModelProfile& model, std::vector<double> ends, int target, double deadline_s) {
  Profile p;
  p.models = {model};
  p.caps_w = {100};
  p.active_power_w = {100};
  p.fail_accuracy = 0.01;
  TruthTable t;
  t.inputs = t.caps = 1;
  t.rows = static_cast<int>(ends.size());
  t.stage_end_s = std::move(ends);
  return outcome_of(t, p, {0, target, 0}, {0, deadline_s, deadline_s});
}

}  // namespace

TEST_CASE("a traditional network in time, exactly in time, and late") {
  for (double deadline : {0.3, 0.2}) {
    const Outcome o = delivered(traditional, {0.2}, 1, deadline);
    CHECK(o.stage_delivered == 1);
    CHECK(o.latency_s == 0.2);
    CHECK(o.busy_s == 0.2);
    CHECK(o.accuracy == 0.7);
    CHECK_FALSE(o.stopped);
  }
  const Outcome late = delivered(traditional, {0.2}, 1, 0.1);
  CHECK(late.stages_finished == 1);
  CHECK(late.stage_delivered == 0);
  CHECK(late.latency_s == 0.2);
  CHECK(late.busy_s == 0.2);
  CHECK(late.accuracy == 0.01);
  CHECK_FALSE(late.stopped);
}

TEST_CASE("an anytime network stops at its target or at the deadline, and delivers what it has") {
  struct Case {
    int target;
    double deadline_s;
    int delivered;
    double latency_s, busy_s, accuracy;
    bool stopped;
  };
  for (const Case& c : {Case{2, 1, 2, 0.2, 0.2, 0.5, false}, Case{3, 0.25, 2, 0.2, 0.25, 0.5, true},
                        Case{3, 0.05, 0, 0.05, 0.05, 0.01, true}, Case{1, -1, 0, 0, 0, 0.01, true}}) {
    CAPTURE(c.target, c.deadline_s);
    const Outcome o = delivered(anytime, {0.1, 0.2, 0.3}, c.target, c.deadline_s);
    CHECK(o.stages_finished == c.delivered);
    CHECK(o.stage_delivered == c.delivered);
    CHECK(o.latency_s == c.latency_s);
    CHECK(o.busy_s == c.busy_s);
    CHECK(o.accuracy == c.accuracy);
    CHECK(o.overshoot_s == 0);
    CHECK(o.stopped == c.stopped);
    CHECK(violations_of(fixture::min_energy(c.deadline_s, 0), o).deadline == (c.delivered == 0));
  }
}

TEST_CASE(
    "in a group a traditional network is delivered by the group's deadline, an anytime one stops at its "
    "share") {
  const auto end_s = [](int stage) { return 0.1 * (stage + 1); };
  const Delivery whole = deliver(false, 1, 0.05, 0.3, end_s);
  CHECK(whole.stage_delivered == 1);
  CHECK(whole.latency_s == 0.1);
  CHECK(deliver(false, 1, 0.05, 0.09, end_s).stage_delivered == 0);
  const Delivery stopped = deliver(true, 3, 0.25, 0.9, end_s);
  CHECK(stopped.stage_delivered == 2);
  CHECK(stopped.busy_s == 0.25);
  CHECK(stopped.stopped);
  CHECK(deliver(true, 3, 0.05, 0.9, end_s).stage_delivered == 0);
  CHECK(deliver(true, 3, 0.05, 0.9, end_s).latency_s == 0.05);
  // Several outputs of one that runs to its end (none does today): the first one's time where none is in
  // time.
  CHECK(deliver(false, 3, 0, 0.05, end_s).latency_s == 0.1);
  CHECK(deliver(false, 3, 0, 0.25, end_s).stage_delivered == 2);
}

TEST_CASE("what is judged begins with a group, and warm-up ends with one") {
  TruthTable t;
  t.inputs = 6;
  CHECK(first_judged(t, 4) == 4);
  CHECK(inputs_are_alone(t));
  t.members_left = {2, 1, 3, 2, 1, 1};
  CHECK_FALSE(inputs_are_alone(t));
  CHECK(first_judged(t, 0) == 0);
  CHECK(first_judged(t, 1) == 2);
  CHECK(first_judged(t, 3) == 5);
  CHECK(first_judged(t, 6) == 6);
  t.members_left = {4, 3, 3, 2, 2, 1};  // cut off, twice
  CHECK(first_judged(t, 1) == 2);
  CHECK(first_judged(t, 3) == 4);
}

TEST_CASE("outcome_of finds stages, energy and correctness") {
  const Profile p = fixture::mixed();
  TruthTable t = fixture::truth_of(p, {1, 2});
  t.co_runner_on = {0, 1};
  const Outcome o = outcome_of(t, p, {2, 3, 3}, {1, 0.2, 0.2});  // stages end at 0.09, 0.16, 0.26
  CHECK(o.stage_delivered == 2);
  CHECK(o.stage_end_s[0] == Approx(0.09));
  CHECK(o.stage_end_s[1] == Approx(0.16));
  CHECK(*o.energy_j == Approx(100 * 0.2));
  CHECK(o.co_runner_on);
  CHECK_FALSE(o.correct);

  t.top1.assign(2 * 5, 0);
  t.top5.assign(2 * 5, 1);
  t.top1[5 + 3] = 1;
  CHECK(outcome_of(t, p, {2, 3, 3}, {1, 0.2, 0.2}).correct->top1);
  CHECK(outcome_of(t, p, {2, 3, 3}, {1, 0.2, 0.2}).correct->top5 == true);
  CHECK(outcome_of(t, p, {2, 3, 3}, {1, 0.01, 0.2}).correct->top5 == false);  // missed
  // Busy beyond the period: no idle part.
  CHECK(*outcome_of(t, p, {1, 1, 3}, {1, 0.1, 0.1}).energy_j == Approx(100 * 0.2));
  CHECK(*outcome_of(t, p, {1, 1, 3}, {0, 0.3, 0.3}).energy_j == Approx(100 * 0.1 + 10 * 0.2));
}

TEST_CASE("measured error is additive over inputs, in the unit of the profile") {
  const auto error_of = [](AccuracyUnit unit, const std::vector<Correctness>& all) {
    MeasuredError measured(unit);
    for (const Correctness& c : all) measured.add(c);
    return measured.error();
  };
  const std::vector<Correctness> words = {
      {true, true, 1.0, {}, 4.0}, {false, true, 6.0, {}, 10.0}, {false, false, 2.0, {}, 2.0}};
  CHECK(*error_of(AccuracyUnit::language_quality, words) ==
        Approx(9.0 / 16));  // not the mean of 1/4, 6/10 and 1
  CHECK(*error_of(AccuracyUnit::top1, words) == Approx(2.0 / 3));
  CHECK_FALSE(error_of(AccuracyUnit::f1, words));
  CHECK(*error_of(AccuracyUnit::language_quality, {{false, false, 6.0, {}, 4.0}}) ==
        1.5);  // worse than a guess
  CHECK_FALSE(error_of(AccuracyUnit::language_quality, {{true, true, {}, {}}}));
  CHECK_FALSE(error_of(AccuracyUnit::top1, {}));
  CHECK(*error_of(AccuracyUnit::f1, {{true, {}, {}, 1.0}, {false, {}, {}, 0.25}}) == 0.375);
}

TEST_CASE("a missed word counts as what stands in for it, a missed question as no answer") {
  Profile p = fixture::two_by_two();
  TruthTable words = fixture::truth_of(p, {1, 1});
  words.top1 = {0, 1, 0, 1};
  words.top5 = {1, 1, 0, 1};
  words.nll = {3, 2, 5, 4};
  words.missed_top1 = {0, 1};
  words.missed_top5 = {1, 1};
  words.missed_nll = {7, 6};
  const auto correct = [&](const TruthTable& t, int model, int64_t input, double deadline_s) {
    const Outcome o = outcome_of(t, p, {model, 1, 1}, {input, deadline_s, 0.2});
    REQUIRE(o.correct);
    return *o.correct;
  };
  CHECK_FALSE(correct(words, 0, 1, 0.2).top1);
  CHECK(correct(words, 0, 1, 0.2).top5 == false);
  CHECK(correct(words, 0, 1, 0.2).nll == 5);
  CHECK(correct(words, 1, 1, 0.2).nll == 4);
  CHECK(correct(words, 1, 1, 0.2).guess_nll == 6);
  CHECK(correct(words, 1, 1, 0.01).top1);  // missed
  CHECK(correct(words, 1, 1, 0.01).top5 == true);
  CHECK(correct(words, 1, 1, 0.01).nll == 6);
  CHECK(correct(words, 1, 1, 0.01).guess_nll == 6);
  CHECK_FALSE(correct(words, 0, 0, 0.01).top1);
  CHECK(correct(words, 0, 0, 0.01).nll == 7);
  CHECK_FALSE(correct(words, 0, 0, 0.01).f1);

  TruthTable questions = fixture::truth_of(p, {1, 1});
  questions.top1 = {0, 1, 0, 1};
  questions.f1 = {0.5, 1, 0.25, 1};
  CHECK(correct(questions, 0, 1, 0.2).f1 == 0.25);
  CHECK_FALSE(correct(questions, 0, 1, 0.2).guess_nll);
  CHECK(correct(questions, 1, 1, 0.01).f1 == 0);
  CHECK_FALSE(correct(questions, 1, 1, 0.01).top1);
  CHECK_FALSE(correct(questions, 1, 1, 0.01).top5);
  CHECK_FALSE(correct(questions, 1, 1, 0.01).nll);

  p.models[1].random_weights = true;
  CHECK_FALSE(outcome_of(words, p, {1, 1, 1}, {1, 0.2, 0.2}).correct);
  CHECK_FALSE(outcome_of(words, p, {1, 1, 1}, {1, 0.01, 0.2}).correct);
  CHECK(outcome_of(words, p, {0, 1, 1}, {1, 0.2, 0.2}).correct);
}

TEST_CASE("facts of inputs: those recorded, else an input alone of size 1") {
  TruthTable t;
  t.inputs = 2;
  CHECK(t.facts_of(1).members_left == 1);
  CHECK(t.facts_of(1).size == 1);
  t.members_left = {2, 1};
  t.size = {30, 40};
  CHECK(t.facts_of(0).members_left == 2);
  CHECK(t.facts_of(1).size == 40);
}

TEST_CASE("violations belong to the task") {
  Outcome o;
  o.stage_delivered = 1;
  o.accuracy = 0.5;
  o.energy_j = 3;
  CHECK_FALSE(violations_of(fixture::min_energy(1, 0.5), o).any());
  CHECK(*violations_of(fixture::min_energy(1, 0.6), o).accuracy);
  CHECK_FALSE(violations_of(fixture::min_energy(1, 0.6), o).energy);
  CHECK_FALSE(*violations_of(fixture::min_error(1, 3), o).energy);
  CHECK(*violations_of(fixture::min_error(1, 2.9), o).energy);
  o.stage_delivered = 0;
  CHECK(violations_of(fixture::min_error(1, 3), o).any());
}
