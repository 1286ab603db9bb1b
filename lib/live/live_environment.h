// Executes decisions on the real machine: with paced arrivals, LibTorch, and the scenario's caps and
// co-runner.
#pragma once

#include "base/clock.h"
#include "core/environment.h"
#include "live/co_runner_control.h"
#include "live/network_bench.h"
#include "power/power.h"

namespace alertbench {

class LiveEnvironment : public Environment {
 public:
  struct Parts {  // all must outlive the environment
    const Profile& profile;
    NetworkBench& bench;
    CapSetter& caps;
    EnergyMeter& meter;
    CoRunnerControl& co_runner;
    Clock& clock;
  };
  LiveEnvironment(const Parts& parts, const Goals& goals, const Arrivals& arrivals);

  // Schedulers take turns. After this call, the time until the next arrival does not count as part of this
  // scheduler's run.
  void begin_turn() { fresh_turn_ = true; }

  Arrival arrive(int64_t input) override;
  double size(int64_t input) const override;
  Outcome execute(const Configuration& configuration, const Context& context) override;
  std::string mode() const override { return "live"; }

 private:
  Parts parts_;
  Pacing pacing_;
  bool fresh_turn_ = true;
  Arrival now_;              // of the last input, in the run's own time
  double arrived_at_s_ = 0;  // ... and on the clock
};

}  // namespace alertbench
