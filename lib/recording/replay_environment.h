// Decisions looked up in a recording instead of run. No clock, no randomness: the same decisions give the
// same outcomes bit for bit.
#pragma once

#include "core/environment.h"
#include "recording/recording.h"

namespace alertbench {

class ReplayEnvironment : public Environment {
 public:
  // The recording must outlive it. Start a new one for each run of a scheduler.
  ReplayEnvironment(const Recording& recording, const Arrivals& arrivals, double deadline_s);

  // RunError for an input that the recording does not have.
  Arrival arrive(int64_t input) override;
  double size(int64_t input) const override;

  // `context` counts from the start of the execution: the wait is off both its times (less than 0 is as 0).
  // It is part of the outcome's times. The energy is that of the period as it was, not as it was expected.
  Outcome execute(const Configuration& configuration, const Context& context) override;

  std::string mode() const override { return "replay"; }

 private:
  const Recording& recording_;
  Pacing pacing_;
  int64_t input_ = -1;  // the one under way
  Arrival now_;
};

}  // namespace alertbench
