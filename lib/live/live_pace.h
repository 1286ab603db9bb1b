// Paces profile and recording like a live run, so that schedulers see the latencies that were measured. In a
// live run, the processor idles from the end of an execution to the next arrival, and an execution mostly
// follows one of the same network. Networks of 1 to 3 ms measured up to 1.4 times faster when executions
// followed one another directly.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "core/profile.h"
#include "live/capped_execution.h"
#include "live/network_bench.h"
#include "scenario/scenario.h"

namespace alertbench {

class LivePace {
 public:
  // `deadline_s` is T of the live run; without it there is no pacing, and executions follow one another
  // directly. The bench must outlive this object.
  LivePace(const NetworkBench& bench, std::optional<double> deadline_s)
      : bench_(bench), deadline_s_(deadline_s) {}
  // T is the deadline of the scenario's first goal setting, computed with this profile; there is no pacing if
  // record.pace is "none".
  LivePace(const NetworkBench& bench, const Scenario& scenario, const Profile& profile);

  const std::optional<double>& deadline_s() const { return deadline_s_; }

  // Returns how long a live run idles before this input if each input takes `latency_s`: the rest of T, or 0.
  // Members of a group follow one another directly, and the rest of the group's total time comes before the
  // next group.
  double rest_s(int64_t input, double latency_s) const;

  // Prepares a measured execution of a complete network that takes about `latency_s`. After another network
  // (`first`), it first runs one execution under the same cap that is not measured. Then it idles as a live
  // run does. Does nothing without pacing.
  void lead_in(StagedModel& network, const CappedExecution& capped, int64_t input, double latency_s,
               bool first, Clock& clock) const;

  // Returns how long all networks under all caps take on this input according to the profile, including all
  // lead-ins.
  double pass_s(const Profile& profile, int64_t input) const;

 private:
  const NetworkBench& bench_;
  std::optional<double> deadline_s_;
};

}  // namespace alertbench
