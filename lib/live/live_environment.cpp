#include "live/live_environment.h"

#include <algorithm>

#include "live/executor.h"

namespace alertbench {

LiveEnvironment::LiveEnvironment(const Parts& parts, const Goals& goals, Arrivals arrivals)
    : parts_(parts), period_s_(goals.deadline_s), arrivals_(arrivals) {}

Arrival LiveEnvironment::arrive(int64_t input) {
  const double previous_s = arrival_s_;
  if (!first_) {
    arrival_s_ += period_s_;
    if (arrivals_ == Arrivals::closed) arrival_s_ = std::max(arrival_s_, end_s_);
    wait_s_ = std::max(0.0, end_s_ - arrival_s_);
  }
  parts_.co_runner.prepare(input);
  parts_.bench.feed(input);
  if (!fresh_turn_) parts_.clock.sleep_until(arrived_at_s_ + (arrival_s_ - previous_s) + wait_s_);
  first_ = fresh_turn_ = false;
  parts_.meter.begin_period();
  arrived_at_s_ = parts_.clock.now_s() - wait_s_;
  return {arrival_s_, wait_s_};
}

Outcome LiveEnvironment::execute(const Configuration& c, const Context& context) {
  const ModelProfile& model = parts_.profile.models[static_cast<size_t>(c.model)];
  parts_.caps.set(parts_.profile.caps_w[static_cast<size_t>(c.cap)]);
  ExecutionOrder order;
  order.target_stage = c.stage;
  order.speed = parts_.caps.emulated_speed();
  const double deadline_s = wait_s_ + context.deadline_s;  // from the arrival
  if (model.anytime()) order.stop_at_s = arrived_at_s_ + deadline_s;
  const Execution e = alertbench::execute(parts_.bench.model(c.model), order, parts_.clock);

  Outcome o;
  const double started_s = e.start_s - arrived_at_s_;
  o.wait_s = wait_s_;
  o.stages_finished = e.stages_finished;
  o.busy_s = e.busy_s;
  o.stopped = e.stopped;
  o.overshoot_s = e.overshoot_s;
  for (int s = 0; s < e.stages_finished; ++s) {
    const size_t i = static_cast<size_t>(s);
    o.stage_end_s[i] = started_s + e.stage_end_s[i];
    if (o.stage_end_s[i] <= deadline_s) o.stage_delivered = s + 1;
  }
  if (o.stage_delivered > 0)
    o.latency_s = o.stage_end_s[static_cast<size_t>(o.stage_delivered - 1)];
  else
    o.latency_s = o.stages_finished > 0 ? o.stage_end_s[0] : started_s + o.busy_s;
  o.accuracy = o.stage_delivered > 0 ? model.accuracy[static_cast<size_t>(o.stage_delivered - 1)] : parts_.profile.fail_accuracy;
  o.correct = parts_.bench.judge(c.model, o.stage_delivered);
  if (!o.correct && o.stage_delivered == 0 && parts_.bench.judged(c.model)) o.correct = Correctness{};
  o.co_runner_on = parts_.co_runner.on(context.input);
  end_s_ = arrival_s_ + started_s + o.busy_s;
  const PeriodEnergy energy = parts_.meter.end_period(c.model, c.cap, o.busy_s, context.period_s);
  o.energy_j = energy.energy_j;
  o.active_power_w = energy.active_power_w;
  o.idle_power_w = energy.idle_power_w;
  return o;
}

}  // namespace alertbench
