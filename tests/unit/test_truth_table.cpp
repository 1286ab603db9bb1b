#include "catch.h"
#include "core/truth_table.h"
#include "core/violations.h"
#include "test_schedulers_fixture.h"

using namespace alertbench;

namespace {

const ModelProfile traditional{"t", false, {0.7}, "assumed", ""};
const ModelProfile anytime{"a", false, {0.3, 0.5, 0.6}, "assumed", ""};

Outcome delivered(const ModelProfile& model, std::vector<double> ends, int target, double deadline_s) {
  Outcome o;
  deliver(model, 0.01, ends.data(), 1, target, deadline_s, o);
  return o;
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

TEST_CASE("outcome_of finds stages, energy and correctness") {
  const Profile p = fixture::mixed();
  TruthTable t = fixture::truth_of(p, {1, 2});
  t.co_runner_on = {0, 1};
  const Outcome o = outcome_of(t, p, {2, 3, 3}, 1, 0.2, 0.2);  // stages end at 0.09, 0.16, 0.26
  CHECK(o.stage_delivered == 2);
  CHECK(o.stage_end_s[0] == Approx(0.09));
  CHECK(o.stage_end_s[1] == Approx(0.16));
  CHECK(*o.energy_j == Approx(100 * 0.2));
  CHECK(o.co_runner_on);
  CHECK_FALSE(o.correct);

  t.top1.assign(2 * 5, 0);
  t.top5.assign(2 * 5, 1);
  t.top1[5 + 3] = 1;
  CHECK(outcome_of(t, p, {2, 3, 3}, 1, 0.2, 0.2).correct->top1);
  CHECK(outcome_of(t, p, {2, 3, 3}, 1, 0.2, 0.2).correct->top5 == true);
  CHECK(outcome_of(t, p, {2, 3, 3}, 1, 0.01, 0.2).correct->top5 == false);  // missed
  // Busy beyond the period: no idle part.
  CHECK(*outcome_of(t, p, {1, 1, 3}, 1, 0.1, 0.1).energy_j == Approx(100 * 0.2));
  CHECK(*outcome_of(t, p, {1, 1, 3}, 0, 0.3, 0.3).energy_j == Approx(100 * 0.1 + 10 * 0.2));
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
