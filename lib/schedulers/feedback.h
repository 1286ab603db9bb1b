// What an observation says about the machine, for schedulers that control it by feedback.
#pragma once

#include <algorithm>

#include "core/profile.h"
#include "core/types.h"

namespace alertbench {

// Returns the measured latency divided by the profile's, both of the last stage that finished: the profile's
// under `cap` (not necessarily the one that ran) and for the input's size. If no stage finished, it is the
// time until the stop over the latency of the first stage, which is a lower bound.
inline double measured_ratio(const Profile& profile, const Observation& o, int cap) {
  const int stage = std::max(1, o.stages_finished);
  const double measured_s = o.stages_finished > 0 ? o.last_stage_end_s : o.busy_s;
  return measured_s / (profile.size_factor(o.configuration.model, o.size) *
                       profile.latency_of({o.configuration.model, stage, cap}).mean_s);
}

// Whether an execution was too slow: nothing was delivered, or (in a group) it took more than its share of
// the time.
inline bool was_late(const Observation& o) {
  return o.stage_delivered == 0 || o.last_stage_end_s > o.deadline_from_start_s;
}

// The energy of a period and the powers in it, as measured; what was not measured is the profile's.
// `idle_charged_s` is that of the decision's Context.
struct MeasuredPower {
  double energy_j = 0;  // of the period
  double idle_w = 0;
  double active_w = 0;  // while the network ran; the profile's if it ran for no time

  MeasuredPower(const Profile& profile, const Observation& o, double idle_charged_s)
      : energy_j(o.energy_j.value_or(profile.period_energy_j(o.configuration.model, o.configuration.cap,
                                                             o.busy_s, o.period_s, idle_charged_s))),
        idle_w(o.idle_power_w.value_or(profile.idle_power_w)),
        active_w(profile.active_power_of(o.configuration.model, o.configuration.cap)) {
    const double idle_s = std::max(0.0, o.period_s - o.busy_s) - idle_charged_s;
    if (o.busy_s > 0) active_w = (energy_j - idle_w * idle_s) / o.busy_s;
  }
};

}  // namespace alertbench
