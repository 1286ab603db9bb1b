// Takes one scheduler through one input: arrive, decide, execute, observe. This is the only place that
// defines the order; live runs, replay and grid all use it.
#pragma once

#include "base/clock.h"
#include "core/environment.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct Step {
  Arrival arrival;
  Context context;
  Configuration configuration;
  Outcome outcome;
  double decide_s = 0;  // processor time of the decision; 0 without a clock
};

// `clock` measures the scheduler's own time; it is null in replay, where nothing may depend on it and
// decisions cost no time.
inline Step step(Scheduler& scheduler, Environment& environment, int64_t input, Clock* clock) {
  Step s;
  s.arrival = environment.arrive(input);
  s.context = context_of(input, s.arrival, environment.size(input));
  const double before_s = clock ? clock->processor_s() : 0.0;
  s.configuration = scheduler.decide(s.context);
  if (clock) s.decide_s = clock->processor_s() - before_s;
  s.outcome = environment.execute(s.configuration, s.context);
  scheduler.observe(observation_of(s.configuration, s.context, s.outcome, s.decide_s));
  return s;
}

}  // namespace alertbench
