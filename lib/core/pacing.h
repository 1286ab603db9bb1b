// Defines when inputs arrive, when each is due, and over which period its energy counts. The rules are the
// same live and in replay.
//
// A single input is due one deadline T after its arrival, and its energy counts over T. A group of n inputs
// (the words of a sentence) arrives at once and is due n * T later; its members run one after the other, and
// an output is delivered if it is ready by the group's deadline. Each member plans with its share of the
// remaining time: the group's remaining time divided by the number of members still to come (ALERT's goal
// adjustment, USENIX ATC 2020). The energy of a group counts over n periods of T, and idle power is charged
// once: the members up to the i-th are together charged for the idle time that remains of i periods after
// their work. A member that works in time that an earlier member left idle is credited what that member was
// charged for it (Arrival::idle_charged_s), so the energy of a group adds up to
//     sum of active power * work  +  idle power * max(0, n * T - all its work - waiting).
//
// With timed arrivals (core/arrivals.h) the energy of an input counts until the next one arrives: it is
// charged for its work, and for the idle time between its end and the next arrival. So the energies of a run
// add up to all that was used from its first arrival to its end. Schedulers do not know when the next input
// will arrive, and plan with the mean period. Groups and timed arrivals do not go together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/arrivals.h"
#include "core/types.h"

namespace alertbench {

struct Arrival {
  double arrival_s = 0;  // from the start of this scheduler's run, without the turns of other schedulers
  double wait_s = 0;     // how long it waited for the previous one (open and timed arrivals)
  double deadline_from_arrival_s = 0;        // to plan with; at least 0
  double group_deadline_from_arrival_s = 0;  // by which to deliver; at least 0
  double period_s = 0;  // from the start of the execution to the end of its period; at least 0
  // Part of period_s that earlier members of the group were charged for as idle time.
  double idle_charged_s = 0;
  int64_t members_left = 1;  // of the group, including this one
  // What is known of period_s when the execution starts. It differs only for timed arrivals, whose mean
  // period takes the place of the one that the next arrival will end.
  double expected_period_s = 0;

  double unexpected_s() const { return period_s - expected_period_s; }
};

// Returns what a scheduler learns about input `input` with this arrival. `size` is divided by the profile's
// mean size.
Context context_of(int64_t input, const Arrival& arrival, double size);
// The same with the period as it will be: for outcomes, and for oracles.
Context true_context_of(int64_t input, const Arrival& arrival, double size);

class Pacing {
 public:
  Pacing(Arrivals arrivals, double deadline_s) : arrivals_(std::move(arrivals)), deadline_s_(deadline_s) {}

  // `members_left` is as in InputFacts. A value other than one less than the previous one opens a new group.
  // With timed arrivals it must be 1, and there must be a time for each input.
  Arrival arrive(int64_t members_left);
  // Reports the execution of the input that arrived last: when it ended, counted from the start of the run,
  // and how long it took.
  void executed(double end_s, double busy_s) {
    end_s_ = end_s;
    spent_s_ += busy_s;
    idle_charged_s_ = std::max(0.0, period_s_ - busy_s);
  }

 private:
  const Arrivals arrivals_;
  const double deadline_s_;
  int64_t arrived_ = 0;             // groups so far
  int64_t members_ = 0, left_ = 0;  // of the group under way
  double group_arrival_s_ = 0;
  double end_s_ = 0;           // of the last execution
  double spent_s_ = 0;         // of the group's time: waiting and work
  double idle_charged_s_ = 0;  // of the group's time so far
  double period_s_ = 0;        // of the input under way
};

}  // namespace alertbench
