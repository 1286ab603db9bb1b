// Runs every scheduler of a scenario under each of its goal settings, in one mode.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/environment.h"
#include "metrics/summary.h"
#include "recording/recording.h"
#include "runner/scheduler_run.h"
#include "scenario/scenario.h"
#include "trace/trace_writer.h"

namespace alertbench {

// The data on which schedulers are compared. Scenario and recording must outlive it.
struct Experiment {
  const Scenario& scenario;
  const Recording& recording;
  Arrivals arrivals;
  std::vector<Goals> goals;
  std::string accuracy_source, energy_source;
  std::string traces_folder;  // empty: no traces are kept

  // Uses the scenario's arrivals and goals, and the energy source of the recording's profile.
  Experiment(const Scenario& scenario, const Recording& recording, std::string accuracy_source,
             std::string traces_folder = "");
};

class SchedulerMatrix {
 public:
  using MakeEnvironment = std::function<std::unique_ptr<Environment>(const Goals&)>;

  // `mode` is "live" or "replay", as in traces and summaries. `inputs` is how many will be run, as schedulers
  // are told. `clock` measures the schedulers' own time and is null in replay. `experiment` and `clock` must
  // outlive the matrix.
  SchedulerMatrix(const Experiment& experiment, const std::string& mode, int64_t inputs, Clock* clock,
                  const MakeEnvironment& make_environment);

  // Entries are ordered by goal setting, and within a setting in the scenario's order of schedulers.
  size_t entries() const { return entries_.size(); }
  Environment& environment(size_t entry) { return *entries_[entry].environment; }
  // Runs the next input of an entry.
  void step(size_t entry, int64_t input);
  // Ends the trace of an entry. `reason` says why it is partial; an empty one means that it is complete.
  void finish_trace(size_t entry, const std::string& reason);
  // Ends all traces as partial, before the error that ends the run is told.
  void finish_traces_after(const std::exception& error);
  std::vector<Summary> summaries() const;

 private:
  struct Entry {
    std::string scheduler;  // its name in results
    Goals goals;
    std::unique_ptr<Environment> environment;
    std::unique_ptr<TraceWriter> trace;  // null if no traces are kept
    std::unique_ptr<SummaryAccumulator> accumulator;
    std::unique_ptr<SchedulerRun> run;
    bool finished = false;
  };

  Entry make_entry(const std::string& scheduler, const std::string& result_name, const Goals& goals,
                   const std::string& mode, Clock* clock, std::unique_ptr<Environment> environment) const;
  std::unique_ptr<TraceWriter> open_trace(const std::string& scheduler, const Goals& goals,
                                          const std::string& mode) const;

  const Experiment& experiment_;
  const int64_t inputs_;
  std::vector<Entry> entries_;
};

// Replays the first `inputs` inputs of the recording with all schedulers.
SchedulerMatrix run_replay(const Experiment& experiment, int64_t inputs);

}  // namespace alertbench
