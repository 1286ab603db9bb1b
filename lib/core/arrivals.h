// Defines when the inputs of a run come: after one another, at a fixed rate, or at given times. The same
// object serves live runs, replay and the oracles, so arrivals do not depend on who is asked.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace alertbench {

// closed: an input (or group) arrives one period after the previous one, or when the execution of the
// previous one ends, whichever is later. open: inputs arrive at a fixed rate, and an overrun makes the next
// one wait. timed: each input arrives at its own time, whatever happened before (a Poisson process, or times
// from a file), and may wait. The period of closed and open arrivals is the deadline.
class Arrivals {
 public:
  enum Kind { closed, open, timed };

  Arrivals(Kind kind = closed) : kind_(kind) {}  // closed or open
  // Timed arrivals, [input], in seconds; finite, and none before the one in front of it. Counted from the
  // first. One time beyond the last input says how long the last input's period is.
  static Arrivals at(std::vector<double> times_s);

  bool operator==(Kind kind) const { return kind_ == kind; }
  bool operator!=(Kind kind) const { return kind_ != kind; }

  // Only for timed arrivals, of which there are count() times.
  int64_t count() const { return static_cast<int64_t>(times_s_->size()); }
  double time_s(int64_t input) const { return (*times_s_)[static_cast<size_t>(input)]; }

  // From the arrival of an input that shares no deadline to the next arrival, without overruns. That is the
  // deadline, except for timed arrivals; among those it is the mean if no later time is known.
  double period_s(int64_t input, double deadline_s) const;
  // Over all times of timed arrivals; the deadline if there are not two, and for all other arrivals.
  double mean_period_s(double deadline_s) const;

 private:
  Kind kind_ = closed;
  std::shared_ptr<const std::vector<double>> times_s_;  // copies of the object share them
};

}  // namespace alertbench
