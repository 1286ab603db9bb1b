// Profile and recording at the pace of a live run, so that schedulers meet what was measured. Live, the
// processor idles from the end of an execution to the next arrival, and a network mostly follows itself.
// Networks of 1 to 3 ms came out up to 1.4 times faster where execution followed execution.
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
  // `deadline_s`: T of the live run; none: no pace, execution follows execution. The bench must outlive this.
  LivePace(const NetworkBench& bench, std::optional<double> deadline_s)
      : bench_(bench), deadline_s_(deadline_s) {}
  // T is the deadline of the scenario's first goal setting, by this profile; none where record.pace is
  // "none".
  LivePace(const NetworkBench& bench, const Scenario& scenario, const Profile& profile);

  const std::optional<double>& deadline_s() const { return deadline_s_; }

  // How long a live run whose inputs take `latency_s` each idles before this input: what is left of T, or 0.
  // Members of a group follow one another at once, and what is left of the whole group's time comes before
  // the next group.
  double rest_s(int64_t input, double latency_s) const;

  // What comes before an execution of a whole network that takes about `latency_s` and counts: after another
  // network (`first`) one execution under the same cap that does not count; then the rest, waited for as a
  // live run waits. Nothing without a pace.
  void lead_in(StagedModel& network, const CappedExecution& capped, int64_t input, double latency_s,
               bool first, Clock& clock) const;

  // How long every network under every cap takes on this input by the profile, with all that comes before.
  double pass_s(const Profile& profile, int64_t input) const;

 private:
  const NetworkBench& bench_;
  std::optional<double> deadline_s_;
};

}  // namespace alertbench
