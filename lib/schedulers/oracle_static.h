// The best single configuration for the whole recording, in hindsight.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/json_reader.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct OracleStaticSettings {
  double max_violation_share = 0.1;  // of inputs

  static OracleStaticSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

// Among the configurations with at most `max_violation_share` of all recorded inputs in violation: the best
// mean objective (energy or error), then the least mean energy. If there is none: the fewest violations, then
// the same. Of equals the first by model name, stage, cap. Deadlines, waiting and what a group shares are those of a
// replay with that configuration (core/pacing.h).
class OracleStatic : public Scheduler {
 public:
  OracleStatic(const SchedulerInputs& inputs, const OracleStaticSettings& settings);  // computes the choice
  Configuration decide(const Context&) override { return choice_; }
  void observe(const Observation&) override {}

 private:
  Configuration choice_;
};

}  // namespace alertbench
