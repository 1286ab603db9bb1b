#include "recording/replay_environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace alertbench {

ReplayEnvironment::ReplayEnvironment(const Recording& recording, Arrivals arrivals, double period_s)
    : recording_(recording), arrivals_(arrivals), period_s_(period_s) {}

Arrival ReplayEnvironment::arrive(int64_t input) {
  if (input < 0 || input >= recording_.truth.inputs)
    throw RunError(fmt::format("replay: input {} is not in the recording, which has {}", input,
                               recording_.truth.inputs));
  input_ = input;
  if (arrivals_ == Arrivals::closed)
    now_.arrival_s = arrived_ ? std::max(now_.arrival_s + period_s_, free_s_) : 0;
  else
    now_.arrival_s = static_cast<double>(arrived_) * period_s_;
  now_.wait_s = std::max(0.0, free_s_ - now_.arrival_s);
  ++arrived_;
  return now_;
}

Outcome ReplayEnvironment::execute(const Configuration& configuration, const Context& context) {
  const double wait = now_.wait_s;
  Outcome outcome = outcome_of(recording_.truth, recording_.profile, configuration, input_,
                               std::max(0.0, context.deadline_s), std::max(0.0, context.period_s));
  for (int stage = 0; stage < outcome.stages_finished; ++stage)
    outcome.stage_end_s[static_cast<size_t>(stage)] += wait;
  outcome.latency_s += wait;
  outcome.wait_s = wait;
  free_s_ = now_.arrival_s + wait + outcome.busy_s;
  return outcome;
}

}  // namespace alertbench
