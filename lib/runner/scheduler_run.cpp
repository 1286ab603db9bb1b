#include "runner/scheduler_run.h"

namespace alertbench {

SchedulerRun::SchedulerRun(std::unique_ptr<Scheduler> scheduler, Environment& environment, const Goals& goals, Clock* clock,
                           Sink sink)
    : scheduler_(std::move(scheduler)), environment_(environment), clock_(clock), sink_(std::move(sink)) {
  record_.goals = goals;
}

void SchedulerRun::step(int64_t input, bool warmup, const std::string& input_id) {
  const Arrival arrival = environment_.arrive(input);
  const Context context{input, arrival.deadline_s - arrival.wait_s, arrival.period_s, environment_.size(input)};

  const double before_s = clock_ ? clock_->processor_s() : 0.0;
  const Configuration chosen = scheduler_->decide(context);
  const double decide_s = clock_ ? clock_->processor_s() - before_s : 0.0;

  record_.outcome = environment_.execute(chosen, context);
  const Outcome& o = record_.outcome;

  record_.prediction = scheduler_->prediction();
  scheduler_->observe(observation_of(chosen, context, o, decide_s));

  record_.input = input;
  record_.warmup = warmup;
  record_.input_id = input_id;
  record_.arrival_s = arrival.arrival_s;
  record_.deadline_s = arrival.deadline_s;
  record_.configuration = chosen;
  record_.decide_s = clock_ ? std::optional<double>(decide_s) : std::nullopt;
  record_.slowdown = scheduler_->slowdown();
  record_.violations = violations_of(record_.goals, o);
  sink_(record_);
}

}  // namespace alertbench
