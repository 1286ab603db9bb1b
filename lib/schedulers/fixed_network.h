// The network of a scheduler that adapts the power cap alone: one for the whole run.
#pragma once

#include <string>

#include "schedulers/scheduler.h"

namespace alertbench {

class FixedNetwork {
 public:
  // `network` is the setting of that name: a candidate, or "auto": the most accurate traditional network
  // whose mean latency by the profile, under the highest cap, is within the goals' deadline, so that a cap
  // can be found without a change of network; if none is, the fastest traditional one. Among equally accurate
  // ones the faster, then the first by name. Without traditional networks the same holds of the anytime ones,
  // by their last stage. An anytime network always runs to its last stage or the deadline. InputError (which
  // names `scheduler`) for a name that is no candidate.
  FixedNetwork(const SchedulerInputs& inputs, const std::string& scheduler, const std::string& network);

  int model() const { return model_; }
  int stage() const { return stage_; }
  Configuration under(int cap) const { return {model_, stage_, cap}; }
  // The deadline to plan with, and the latency observed, both as of an input of the mean size. A network that
  // was stopped at its deadline counts with the time until then, as in no_coord.h.
  double deadline_s(const Context& context) const {
    return context.deadline_from_start_s / profile_.size_factor(model_, context.size);
  }
  double latency_s(const Observation& observation) const;

 private:
  const Profile& profile_;
  int model_ = 0, stage_ = 1;
};

}  // namespace alertbench
