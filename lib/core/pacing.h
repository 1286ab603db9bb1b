// When inputs arrive, by when each must be done, and over which time its energy counts: the same live and in
// replay.
//
// An input alone: it is due one deadline T after its arrival, and its energy counts over T.
// A group of n inputs (the words of a sentence) arrives at once and is due n * T later; its members run one
// after the other. What is delivered counts by the group's deadline. A member plans with its share: what is
// left of the group's time over the members still to come (ALERT's goal adjustment, USENIX ATC 2020). Energy
// of a group counts over n periods of T, with idle power charged once: members up to the i-th are charged,
// all together, with the idling that is left of i periods when their work is taken off. A member that works
// in time that an earlier one left is credited what that one was charged for it (Arrival::idle_charged_s), so
// a group adds up to
//     sum of active power * work  +  idle power * max(0, n * T - all its work - waiting).
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/types.h"

namespace alertbench {

// closed: an input (a group) arrives one period after the one before it, or when that one's execution ends,
// whichever is later. open: at a fixed rate; an overrun makes the next one wait.
enum class Arrivals { closed, open };

struct Arrival {
  double arrival_s = 0;  // from the start of this scheduler's run, idle turns of other schedulers not counted
  double wait_s = 0;     // by which it waited for the one before it (open arrivals)
  double deadline_from_arrival_s = 0;        // to plan with; at least 0
  double group_deadline_from_arrival_s = 0;  // by which to deliver; at least 0
  double period_s = 0;        // from the start of the execution to the end of its period; at least 0
  double idle_charged_s = 0;  // of it, that earlier members of the group were charged with as idle
  int64_t members_left = 1;   // of the group, this one among them
};

// What a scheduler is told of input `input` that arrived so; `size` over the profile's mean size.
Context context_of(int64_t input, const Arrival& arrival, double size);

class Pacing {
 public:
  Pacing(Arrivals arrivals, double deadline_s) : arrivals_(arrivals), deadline_s_(deadline_s) {}

  // `members_left` as in InputFacts. Anything but one less than before opens a new group.
  Arrival arrive(int64_t members_left);
  // The execution of the input that arrived last: when it ended, from the start of the run, and how long it
  // took.
  void executed(double end_s, double busy_s) {
    end_s_ = end_s;
    spent_s_ += busy_s;
    idle_charged_s_ = std::max(0.0, period_s_ - busy_s);
  }

 private:
  const Arrivals arrivals_;
  const double deadline_s_;
  int64_t members_ = 0, left_ = 0;  // of the group under way
  double group_arrival_s_ = 0;
  double end_s_ = 0;           // of the last execution
  double spent_s_ = 0;         // of the group's time: waiting and work
  double idle_charged_s_ = 0;  // of the group's time so far
  double period_s_ = 0;        // of the input under way
};

}  // namespace alertbench
