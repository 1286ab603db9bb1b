#include "recording/replay_environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace alertbench {

ReplayEnvironment::ReplayEnvironment(const Recording& recording, const Arrivals& arrivals, double deadline_s)
    : recording_(recording), pacing_(arrivals, deadline_s) {}

Arrival ReplayEnvironment::arrive(int64_t input) {
  if (input < 0 || input >= recording_.truth.inputs)
    throw RunError(fmt::format("replay: input {} is not in the recording, which has {}", input,
                               recording_.truth.inputs));
  input_ = input;
  return now_ = pacing_.arrive(recording_.truth.facts_of(input).members_left);
}

double ReplayEnvironment::size(int64_t input) const {
  return recording_.truth.facts_of(input).size / recording_.profile.mean_size;
}

Outcome ReplayEnvironment::execute(const Configuration& configuration, const Context& context) {
  const double wait = now_.wait_s;
  Context charged = context;
  charged.period_s += now_.unexpected_s();
  Outcome outcome = outcome_of(recording_.truth, recording_.profile, configuration, charged);
  for (int stage = 0; stage < outcome.stages_finished; ++stage)
    outcome.stage_end_s[static_cast<size_t>(stage)] += wait;
  outcome.latency_s += wait;
  outcome.wait_s = wait;
  pacing_.executed(now_.arrival_s + wait + outcome.busy_s, outcome.busy_s);
  return outcome;
}

}  // namespace alertbench
