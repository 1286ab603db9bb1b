// The co-runner of a scenario: built, dosed by measurement, switched by input number, and judged by what it
// did.
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

// The processor of each worker of the scenario's co-runner, by its kind's pinning; -1: any. stress-ng's
// workers share them all.
std::vector<int> worker_cpus(const Scenario& scenario);

// What starvation() is to ask of each. No duty of workers on the GPU where power caps slow it: their duty is
// work at uncapped speed.
std::vector<WorkAsked> work_asked(const Scenario& scenario, const CoRunnerSpec& spec);

// InputError where the scenario's co-runner is a program of its own, which only --allow-commands starts.
void refuse_command(const Scenario& scenario);

class CoRunnerControl {
 public:
  // Starts the co-runner, paused; none for kind "none". A `command` needs `allow_commands` (InputError
  // without). `progress`: is told when the co-runner is lost.
  CoRunnerControl(const Scenario& scenario, bool allow_commands, Progress* progress = nullptr);

  // The slow-down of the scenario's networks, run uncapped in turn, quiet and beside the co-runner by pairs:
  // the median over pairs of the ratio of the time for all of them.
  double measure_slowdown(NetworkBench& bench, Clock& clock, int pairs);
  // Finds the duty that gives the scenario's slow-down, unless the scenario fixes the duty (or the co-runner
  // is a command line).
  void calibrate(NetworkBench& bench, Clock& clock, Progress& progress);

  // From here to pause() it is measured what the co-runner does, phase by phase. None of these throws where
  // the co-runner has died: what is left of it is ended, the run goes on, it counts as off from there, and
  // problems() says so.
  void begin_part(const std::string& part) { phases_.begin_part(part); }  // of the run: "recording", "live"
  void prepare(int64_t input);  // turns it on or off as the schedule says
  void pause();
  bool on(int64_t input) const { return lost_.empty() && schedule_[static_cast<size_t>(input)]; }
  const std::vector<std::vector<int>>& cpus() const {
    return cpus_;
  }                                           // where each of its processes may run, read back at the start
  std::string name() const { return name_; }  // "compute", ...; empty for none
  // Kind, workers with processor and duty, schedule, slow-down aimed at and measured, throughput so far,
  // whole and by phase: for the manifest.
  nlohmann::ordered_json facts() const;
  // Why the result would not count: it died, it starved, it missed its slow-down, it cannot be ended.
  std::vector<std::string> problems() const;
  // Ends it. What cannot be ended is a problem, not an exception. facts() and problems() stay.
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
