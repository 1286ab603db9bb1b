#include "runner/scheduler_run.h"

#include "schedulers/step.h"

namespace alertbench {

SchedulerRun::SchedulerRun(std::unique_ptr<Scheduler> scheduler, Environment& environment, const Goals& goals,
                           Clock* clock, Sink sink)
    : scheduler_(std::move(scheduler)),
      environment_(environment),
      clock_(clock),
      sink_(std::move(sink)),
      judge_(goals) {
  record_.goals = goals;
}

void SchedulerRun::step(int64_t input, bool warmup, bool opens_group, const std::string& input_id) {
  Step s = alertbench::step(*scheduler_, environment_, input, clock_);
  record_.input = input;
  record_.warmup = warmup;
  record_.opens_group = opens_group;
  record_.input_id = input_id;
  record_.arrival_s = s.arrival.arrival_s;
  record_.deadline_from_arrival_s = s.arrival.deadline_from_arrival_s;
  record_.configuration = s.configuration;
  record_.outcome = s.outcome;
  record_.decide_s = clock_ ? std::optional<double>(s.decide_s) : std::nullopt;
  record_.prediction = scheduler_->prediction();
  record_.slowdown = scheduler_->slowdown();
  record_.violations = violations_of(record_.goals, record_.outcome);
  if (!warmup) judge_.add(record_.outcome, opens_group, record_.violations);
  sink_(record_);
}

}  // namespace alertbench
