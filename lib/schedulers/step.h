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
  // Processor time of the decision, or real time if another process made it; 0 without a clock.
  double decide_s = 0;
};

// `clock` measures the scheduler's own time; it is null in replay, where nothing may depend on it and
// decisions cost no time.
inline Step step(Scheduler& scheduler, Environment& environment, int64_t input, Clock* clock) {
  Step s;
  s.arrival = environment.arrive(input);
  s.context = context_of(input, s.arrival, environment.size(input));
  const auto time_s = [&] {
    return !clock ? 0.0 : scheduler.decides_elsewhere() ? clock->now_s() : clock->processor_s();
  };
  const double before_s = time_s();
  s.configuration = scheduler.decide(s.context);
  s.decide_s = time_s() - before_s;
  s.outcome = environment.execute(s.configuration, s.context);
  scheduler.observe(observation_of(s.configuration, s.context, s.outcome, s.decide_s));
  return s;
}

}  // namespace alertbench
