// Controls the co-runner of a scenario: starts it, calibrates its duty by measurement, switches it on and off
// by input number, and judges the work it did.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "contention/co_runner.h"
#include "live/co_runner_phases.h"
#include "live/network_bench.h"
#include "scenario/scenario.h"

namespace alertbench {

// Returns the processor of each worker of the scenario's co-runner, according to the pinning of its kind; -1
// means any. The workers of stress-ng share all of them.
std::vector<int> worker_cpus(const Scenario& scenario);

// Returns the work that starvation() expects of each worker. Workers on a GPU that power caps slow down have
// no duty here, because their duty is stated as work at uncapped speed.
std::vector<WorkAsked> work_asked(const Scenario& scenario, const CoRunnerSpec& spec);

// InputError if the scenario's co-runner is a command, which only --allow-commands may start.
void refuse_command(const Scenario& scenario);

class CoRunnerControl {
 public:
  // Starts the co-runner in the paused state; does nothing for kind "none". A `command` needs
  // `allow_commands` (otherwise InputError). A lost co-runner is reported to `progress`.
  CoRunnerControl(const Scenario& scenario, bool allow_commands, Progress* progress = nullptr);

  // Measures how much the co-runner slows the scenario's networks down. They run uncapped in turn, in pairs
  // of passes without and with the co-runner. Returns the median over the pairs of the ratio of the times of
  // the two passes.
  double measure_slowdown(NetworkBench& bench, Clock& clock, int pairs);
  // Finds the duty that gives the scenario's slow-down, unless the scenario fixes the duty (or the co-runner
  // is a command line).
  void calibrate(NetworkBench& bench, Clock& clock, Progress& progress);

  // From this call until pause(), the work of the co-runner is measured phase by phase. None of these
  // functions throws if the co-runner has died: its remaining processes are ended, the run continues, the
  // co-runner counts as off from then on, and problems() reports it.
  void begin_part(const std::string& part) { phases_.begin_part(part); }  // of the run: "recording", "live"
  void prepare(int64_t input);  // turns it on or off according to the schedule
  void pause();
  bool on(int64_t input) const { return lost_.empty() && schedule_[static_cast<size_t>(input)]; }
  // The processors on which each of its processes may run, read back at the start.
  const std::vector<std::vector<int>>& cpus() const { return cpus_; }
  std::string name() const { return name_; }  // "compute", ...; empty for none
  // Returns for the manifest: the kind, the workers with processor and duty, the schedule, the target and
  // measured slow-down, and the throughput so far, in total and by phase.
  nlohmann::ordered_json facts() const;
  // Returns the reasons why the result is invalid: the co-runner died, was starved, missed its slow-down, or
  // could not be ended.
  std::vector<std::string> problems() const;
  // Ends the co-runner. A process that cannot be ended is reported by problems(), not thrown. facts() and
  // problems() remain available.
  void stop();

 private:
  void set_dose(double dose);
  void lose(const std::string& why);
  void end();

  const Scenario& scenario_;
  std::string name_;
  CoRunnerSpec spec_;
  std::unique_ptr<CoRunner> co_runner_;
  std::vector<std::vector<int>> cpus_;
  std::vector<bool> schedule_;
  CoRunnerPhases phases_;
  bool running_ = false, stopped_ = false;
  int64_t input_ = -1;            // the last one prepared
  std::string lost_, left_over_;  // why, and what
  Progress* progress_;
  std::optional<double> dose_, measured_slowdown_;
};

}  // namespace alertbench
