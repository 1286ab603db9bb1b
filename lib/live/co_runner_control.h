// The co-runner of a scenario: built, dosed by measurement, and switched by input number.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contention/co_runner.h"
#include "core/clock.h"
#include "core/progress.h"
#include "live/network_bench.h"
#include "scenario/scenario.h"

namespace alertbench {

class CoRunnerControl {
 public:
  // Starts the co-runner, paused; none for kind "none". A `command` needs `allow_commands` (InputError without).
  CoRunnerControl(const Scenario& scenario, bool allow_commands);

  // The slow-down of the scenario's networks, run uncapped in turn, quiet and beside the co-runner by pairs: the
  // median over pairs of the ratio of the time for all of them.
  double measure_slowdown(NetworkBench& bench, Clock& clock, int pairs);
  // Finds the duty that gives the scenario's slow-down, unless the scenario fixes the duty (or the kind is command).
  void calibrate(NetworkBench& bench, Clock& clock, Progress& progress);

  void prepare(int64_t input);  // turns it on or off as the schedule says
  void pause();
  bool on(int64_t input) const { return schedule_[static_cast<size_t>(input)]; }
  std::string name() const { return name_; }  // "compute", ...; empty for none
  // Kind, workers with processor and duty, schedule, slow-down aimed at and measured, throughput so far: for the manifest.
  nlohmann::ordered_json facts() const;
  std::vector<std::string> problems() const;  // why the result would not count: it died, it starved, it missed its slow-down
  void stop();

 private:
  void set_dose(double dose);

  const Scenario& scenario_;
  std::string name_;
  CoRunnerSpec spec_;
  std::unique_ptr<CoRunner> co_runner_;
  std::vector<bool> schedule_;
  bool running_ = false;
  std::optional<double> dose_, measured_slowdown_;
};

}  // namespace alertbench
