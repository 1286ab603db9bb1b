#include "live/live_environment.h"

#include <algorithm>

#include "core/delivery.h"
#include "live/capped_execution.h"

namespace alertbench {

LiveEnvironment::LiveEnvironment(const Parts& parts, const Goals& goals, const Arrivals& arrivals)
    : parts_(parts), pacing_(arrivals, goals.deadline_s) {}

Arrival LiveEnvironment::arrive(int64_t input) {
  const double previous_s = now_.arrival_s;
  now_ = pacing_.arrive(parts_.bench.facts(input).members_left);
  parts_.co_runner.prepare(input);
  parts_.bench.feed(input);
  parts_.meter.begin_idle();
  if (!fresh_turn_) parts_.clock.sleep_until(arrived_at_s_ + (now_.arrival_s - previous_s) + now_.wait_s);
  fresh_turn_ = false;
  parts_.meter.begin_period();
  arrived_at_s_ = parts_.clock.now_s() - now_.wait_s;
  return now_;
}

double LiveEnvironment::size(int64_t input) const {
  return parts_.bench.facts(input).size / parts_.profile.mean_size;
}

Outcome LiveEnvironment::execute(const Configuration& c, const Context& context) {
  const ModelProfile& model = parts_.profile.models[static_cast<size_t>(c.model)];
  CappedExecution capped(parts_.caps, parts_.clock);
  capped.set_cap(parts_.profile.caps_w[static_cast<size_t>(c.cap)]);
  // From the arrival, as all times below. An anytime network delivers what it has when it is told to stop.
  const double stop_s = now_.wait_s + context.deadline_from_start_s;
  const double deadline_s = model.anytime() ? stop_s : now_.wait_s + context.delivered_by_s();
  const Execution e = model.anytime()
                          ? capped.run(parts_.bench.model(c.model), c.stage, arrived_at_s_ + stop_s)
                          : capped.run(parts_.bench.model(c.model), c.stage);

  Outcome o;
  const double started_s = e.start_s - arrived_at_s_;
  o.wait_s = now_.wait_s;
  o.stages_finished = e.stages_finished;
  o.busy_s = e.busy_s;
  o.stopped = e.stopped;
  o.overshoot_s = e.overshoot_s;
  for (size_t s = 0; s < static_cast<size_t>(e.stages_finished); ++s)
    o.stage_end_s[s] = started_s + e.stage_end_s[s];
  o.stage_delivered = last_stage_in_time(e.stages_finished, deadline_s,
                                         [&](int s) { return o.stage_end_s[static_cast<size_t>(s)]; });
  if (o.stage_delivered > 0)
    o.latency_s = o.stage_end_s[static_cast<size_t>(o.stage_delivered - 1)];
  else
    o.latency_s = o.stages_finished > 0 ? o.stage_end_s[0] : started_s + o.busy_s;
  o.accuracy = o.stage_delivered > 0 ? model.accuracy[static_cast<size_t>(o.stage_delivered - 1)]
                                     : parts_.profile.fail_accuracy;
  o.co_runner_on = parts_.co_runner.on(context.input);
  pacing_.executed(now_.arrival_s + started_s + o.busy_s, o.busy_s);
  const PeriodEnergy energy =
      parts_.meter.end_period(c.model, c.cap, o.busy_s, context.period_s + now_.unexpected_s());
  o.energy_j = energy.energy_j;
  // What an earlier member of the group left and was charged for is not idled twice.
  if (o.energy_j && context.idle_charged_s > 0)
    *o.energy_j -= energy.idle_power_w.value_or(parts_.profile.idle_power_w) * context.idle_charged_s;
  o.active_power_w = energy.active_power_w;
  o.idle_power_w = energy.idle_power_w;
  o.correct = parts_.bench.judge(c.model, o.stage_delivered);  // behind the meter: it can take a while
  return o;
}

}  // namespace alertbench
