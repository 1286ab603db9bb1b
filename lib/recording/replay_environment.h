// Decisions looked up in a recording instead of run. No clock, no randomness: the same decisions give the
// same outcomes bit for bit.
#pragma once

#include "core/environment.h"
#include "recording/recording.h"

namespace alertbench {

class ReplayEnvironment : public Environment {
 public:
  // The recording must outlive it. Start a new one for each run of a scheduler.
  ReplayEnvironment(const Recording& recording, Arrivals arrivals, double period_s);

  // closed: one period after the input before it, or when that one ends, whichever is later; nothing ever
  // waits. open: at a fixed rate; the wait is what the executions before it have left over. RunError for an
  // input that the recording does not have.
  Arrival arrive(int64_t input) override;

  // `context` counts from the start of the execution: the caller took the wait off both its times (less than
  // 0 is as 0). So energy is of the time from this start until the next input, and the inputs of a run add
  // up. The wait is part of the outcome's times.
  Outcome execute(const Configuration& configuration, const Context& context) override;

  std::string mode() const override { return "replay"; }

 private:
  const Recording& recording_;
  Arrivals arrivals_;
  double period_s_;
  int64_t input_ = -1, arrived_ = 0;  // the input under way, and how many came so far
  Arrival now_;
  double free_s_ = 0;  // when the execution before has ended
};

}  // namespace alertbench
