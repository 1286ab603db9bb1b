#include "runner/scheduler_matrix.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "evaluation/cell.h"
#include "plugins/external_schedulers.h"
#include "recording/replay_environment.h"
#include "result/manifest.h"
#include "schedulers/external.h"

namespace alertbench {

Experiment::Experiment(const Scenario& s, const Recording& r, std::string accuracy, std::string folder)
    : scenario(s),
      recording(r),
      arrivals(s.arrivals.resolve(r.profile, r.truth.inputs, s.seeds.arrivals)),
      accuracy_source(std::move(accuracy)),
      energy_source(r.profile.energy_source),
      traces_folder(std::move(folder)) {
  for (const GoalSpec& g : scenario.goals) goals.push_back(g.resolve(recording.profile, arrivals));
}

SchedulerMatrix::SchedulerMatrix(const Experiment& experiment, const std::string& mode, int64_t inputs,
                                 Clock* clock, const MakeEnvironment& make_environment)
    : experiment_(experiment), inputs_(inputs) {
  const std::vector<std::string>& schedulers = experiment.scenario.schedulers;
  const std::vector<std::string> names = result_names(schedulers);
  for (const Goals& g : experiment.goals)
    for (size_t k = 0; k < schedulers.size(); ++k)
      entries_.push_back(make_entry(schedulers[k], names[k], g, mode, clock, make_environment(g)));
}

std::unique_ptr<TraceWriter> SchedulerMatrix::open_trace(const std::string& scheduler, const Goals& goals,
                                                         const std::string& mode) const {
  if (experiment_.traces_folder.empty()) return nullptr;
  const Scenario& scenario = experiment_.scenario;
  TraceHeader header;
  header.tool_version = tool_version();
  header.scheduler = scheduler;
  header.scenario = scenario.name;
  header.goals = goals;
  header.energy_source = experiment_.energy_source;
  header.accuracy_source = experiment_.accuracy_source;
  header.mode = mode;
  if (scenario.co_runner.kind != "none") header.co_runner = scenario.co_runner.kind;
  return std::make_unique<TraceWriter>(
      fmt::format("{}/{}.{}.{}.jsonl", experiment_.traces_folder, scheduler, goals.name, mode), header,
      experiment_.recording.profile);
}

SchedulerMatrix::Entry SchedulerMatrix::make_entry(const std::string& scheduler,
                                                   const std::string& result_name, const Goals& goals,
                                                   const std::string& mode, Clock* clock,
                                                   std::unique_ptr<Environment> environment) const {
  const Scenario& scenario = experiment_.scenario;
  const Recording& recording = experiment_.recording;
  Entry e;
  e.scheduler = result_name;
  e.goals = goals;
  e.environment = std::move(environment);
  e.trace = open_trace(result_name, goals, mode);
  e.accumulator = std::make_unique<SummaryAccumulator>(result_name, goals, mode, recording.profile);
  SchedulerInputs inputs{recording.profile, goals, knows_truth(scheduler) ? &recording.truth : nullptr,
                         experiment_.arrivals};
  inputs.first_judged = first_judged(recording.truth, scenario.warmup_inputs);
  inputs.total_inputs = inputs_;
  auto made = make_any_scheduler(scheduler, result_name, inputs,
                                 scenario.scheduler_settings.value(scheduler, nlohmann::json::object()),
                                 scenario.path + ": scheduler_settings: " + scheduler);
  e.run = std::make_unique<SchedulerRun>(
      std::move(made), *e.environment, goals, clock,
      [trace = e.trace.get(), accumulator = e.accumulator.get()](const InputRecord& r) {
        if (trace) trace->write(r);
        accumulator->add(r);
      });
  return e;
}

void SchedulerMatrix::step(size_t entry, int64_t input) {
  const Recording& recording = experiment_.recording;
  entries_[entry].run->step(input, input < first_judged(recording.truth, experiment_.scenario.warmup_inputs),
                            opens_group(recording.truth, input),
                            recording.input_ids[static_cast<size_t>(input)]);
}

void SchedulerMatrix::finish_trace(size_t entry, const std::string& reason) {
  Entry& e = entries_[entry];
  e.finished = true;
  if (!e.trace) return;
  const GoalVerdict verdict = e.run->verdict();
  e.trace->finish(reason.empty() ? "complete" : "partial", reason,
                  verdict.inputs > 0 ? std::optional(verdict) : std::nullopt);
}

void SchedulerMatrix::finish_traces_after(const std::exception& error) {
  for (size_t entry = 0; entry < entries_.size(); ++entry) {
    try {
      if (!entries_[entry].finished) finish_trace(entry, error.what());
    } catch (const Error&) {  // the first error is the one to tell
    }
  }
}

std::vector<Summary> SchedulerMatrix::summaries() const {
  BootstrapSettings bootstrap;
  bootstrap.seed = experiment_.scenario.seeds.bootstrap;
  std::vector<Summary> all;
  for (const Entry& e : entries_) {
    const SummaryAccumulator* reference = nullptr;
    for (const Entry& r : entries_)
      if (r.scheduler == "oracle-static" && r.goals.name == e.goals.name) reference = r.accumulator.get();
    all.push_back(e.accumulator->summary(bootstrap));
    all.back().bound = e.run->bound();
    e.accumulator->normalise(all.back(), reference, bootstrap);
  }
  return all;
}

SchedulerMatrix run_replay(const Experiment& experiment, int64_t inputs) {
  SchedulerMatrix matrix(experiment, "replay", inputs, nullptr, [&](const Goals& g) {
    return std::make_unique<ReplayEnvironment>(experiment.recording, experiment.arrivals, g.deadline_s);
  });
  const bool whole = inputs == experiment.scenario.inputs;
  try {
    for (size_t entry = 0; entry < matrix.entries(); ++entry) {
      for (int64_t input = 0; input < inputs; ++input) matrix.step(entry, input);
      matrix.finish_trace(entry, whole ? "" : "recording is partial");
    }
  } catch (const Error& e) {
    matrix.finish_traces_after(e);
    throw;
  }
  return matrix;
}

}  // namespace alertbench
