// A scenario file: everything that a run depends on. Strict: an unknown key is an error that names the
// nearest known one.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "contention/schedule.h"
#include "core/arrivals.h"
#include "core/profile.h"
#include "core/types.h"
#include "power/cpufreq/frequency_table.h"
#include "power/nvml/nvml_library.h"
#include "scenario/arrival_spec.h"

namespace alertbench {

// How goals are judged, see core/goal_judge.h.
struct GoalJudging {
  Judge judge = Judge::mean;
  GoalTolerance tolerance;
};

// "goal_tolerance" of a larger object, where it is given. InputError.
GoalTolerance read_tolerance(JsonReader& reader);

// A goal setting as a scenario states it: absolute, or relative to what the profile will measure.
struct GoalSpec {
  std::string name;
  Task task = Task::min_energy;
  std::optional<double> deadline_s;     // either this
  std::optional<double> deadline_x;     // or this many times the profile's reference latency
  std::optional<double> accuracy;       // min_energy
  std::optional<double> energy_j;       // min_error: either this
  std::optional<double> power_limit_w;  // or this many watts over one period
  GoalJudging judging;

  // The period that a power limit is over is the deadline, or the mean period of timed arrivals.
  Goals resolve(const Profile& profile, const Arrivals& arrivals = Arrivals::closed) const;
};

struct CoRunnerScenario {
  std::string kind = "none";  // see contention/kinds.h
  double slowdown = 1.3;      // our own loads: the median slow-down to aim at; the duty is calibrated to it
  std::optional<double>
      duty;  // our own loads: take this duty as it is instead; stress-ng-compute: its --cpu-load
  std::optional<int> workers;        // 1 or 2; none: see Scenario::co_runner_workers()
  double period_s = 1.5e-3;          // our own loads: mean length of a burst and the rest after it
  bool real_time = false;            // our own loads on the processor: bursts run before the inference
  std::vector<std::string> command;  // command: argv, run only with --allow-commands
  ScheduleSpec schedule;
};

struct Scenario {
  std::string path, name, description;
  std::vector<std::string>
      files;                   // where it was read: `path`, and those that it extends (scenario/extends.h)
  std::string workload, data;  // data: folder, empty for the default of the workload
  std::string networks;        // path of the network file
  std::vector<std::string> candidates;  // empty: all of the file
  int inputs = 100, warmup_inputs = 5;
  ArrivalSpec arrivals;
  std::string power_backend = "emulated";  // one of power_backend_names(), see power/registry.h
  std::string power_root = "/";            // what stands before /sys and /proc: tests give a made-up machine
  std::string power_state_folder;          // where the caps found are noted; empty: the default of
                                           // lib/power/guard/cap_state.h
  FrequencyTable
      frequency_table;  // cpufreq, and nvml without power limits: which frequency stays within which power
  std::vector<int> cpufreq_policies;  // cpufreq; empty: all
  std::vector<std::string>
      power_sensors;  // cpufreq: whose power adds up to the energy; empty: see lib/power/cpufreq/sensors.h
  std::string gpu;    // nvml: index or UUID; empty: CUDA's first, see lib/power/nvml/nvml_library.h
  std::string nvml_library = default_nvml_library;  // other ones run only with --allow-commands
  std::vector<double> caps_w{35, 50, 65, 80, 100};
  PowerModel power_model;
  std::vector<GoalSpec> goals;
  std::vector<std::string> schedulers;  // all where it names none
  bool schedulers_named = false;
  nlohmann::json scheduler_settings = nlohmann::json::object();
  CoRunnerScenario co_runner;
  int threads = 1;
  std::string device = "cpu";  // "cpu" | "cuda": where networks run
  int inference_cpu = 0,
      other_cpu = 1;  // where the inference and co-runners (contention/kinds.h) are pinned; -1: nowhere
  bool inference_cpu_named = false,
       other_cpu_named = false;  // else lib/live/placement.h chooses from what this process may use
  int harness_cpu = -1;          // of the harness's own helpers; -1: wherever this process may run
  // 2 for memory traffic where there is an other_cpu, else 1, unless the scenario says how many; 0 for none
  // and command.
  int co_runner_workers() const;
  int profile_repetitions = 20;
  std::string record_pace = "live";  // "live" | "none": of profile and recording, see live/live_pace.h
  int round_inputs = 10;  // schedulers take turns after so many inputs, so that drift hits all alike
  struct Seeds {
    uint64_t inputs = 1, schedule = 2, co_runner = 3, bootstrap = 4;
    uint64_t arrivals = 5;  // used, and shown, only if arrivals are random
  } seeds;

  // `overrides`: "key=value" with dots into objects and lists ("goals.0.accuracy=0.9"); values are JSON, or
  // else text. Relative paths in the file are resolved beside it. What "extends" names is merged in before.
  // InputError names file, key, value and remedy.
  static Scenario read(const std::string& path, const std::vector<std::string>& overrides);
  static nlohmann::json override_json(nlohmann::json scenario, const std::vector<std::string>& overrides);
  static Scenario from_json(const nlohmann::json& j, const std::string& path);
  nlohmann::ordered_json to_json() const;  // effective: every default filled in
};

}  // namespace alertbench
