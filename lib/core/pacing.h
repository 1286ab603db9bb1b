// When inputs arrive, by when each must be done, and over which time its energy counts: the same live and in replay.
//
// An input alone: it is due one deadline T after its arrival, and its energy counts over T.
// A group of n inputs (the words of a sentence) arrives at once, is due n * T later, and its members run one behind the
// other. A member is due by its share: what is left of the group's time over the members still to come (alert.md, step
// 1). Energy counts as if every member had a slot of T and none began before its own: up to the end of its slot or of
// its execution, whichever is later, from where that of the member before it ended. So no member's time is left out, and
// a group whose members keep to their slots adds up to n * T. One that takes longer than its slot, in time that a
// faster one before it left, adds what it takes beyond: the idle power of that time was charged to the faster one.
#pragma once

#include <cstdint>

namespace alertbench {

// closed: an input (a group) arrives one period after the one before it, or when that one's execution ends, whichever is
// later. open: at a fixed rate; an overrun makes the next one wait.
enum class Arrivals { closed, open };

struct Arrival {
  double arrival_s = 0;   // from the start of this scheduler's run, idle turns of other schedulers not counted
  double wait_s = 0;      // by which it waited for the one before it (open arrivals)
  double deadline_s = 0;  // from the arrival; at least 0
  double period_s = 0;    // over which its energy counts, from the start of the execution; at least 0
};

class Pacing {
 public:
  Pacing(Arrivals arrivals, double deadline_s) : arrivals_(arrivals), deadline_s_(deadline_s) {}

  // `members_left` as in InputFacts. Anything but one less than before opens a new group.
  Arrival arrive(int64_t members_left);
  // The execution of the input that arrived last: when it ended, from the start of the run, and how long it took.
  void executed(double end_s, double busy_s);

 private:
  const Arrivals arrivals_;
  const double deadline_s_;
  int64_t members_ = 0, left_ = 0;  // of the group under way
  double group_arrival_s_ = 0;
  double end_s_ = 0;      // of the last execution
  double charged_s_ = 0;  // of the group's time, for energy
  double period_s_ = 0;   // of the input under way
};

}  // namespace alertbench
