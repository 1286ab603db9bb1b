#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/console.h"
#include "base/json_reader.h"
#include "base/sha256.h"
#include "evaluation/cell.h"
#include "plugins/external_schedulers.h"
#include "recording/recording.h"
#include "report/evaluation_report.h"
#include "runner/preflight.h"
#include "runner/run.h"
#include "runner/run_result.h"
#include "runner/scheduler_matrix.h"
#include "runner/summary_json.h"
#include "schedulers/external.h"

namespace alertbench {
namespace {

std::string description_path(const std::string& recording) {
  return std::filesystem::is_directory(recording) ? recording + "/recording.json" : recording;
}

Scenario scenario_to_replay(const Recording& recording, const ReplayRequest& request, bool quiet) {
  bool named = !request.schedulers.empty();
  for (const std::string& o : request.overrides) named = named || o.rfind("schedulers=", 0) == 0;
  const Preflight preflight =
      check_before_replay(scenario_of(recording, request.recording, request.overrides, request.schedulers),
                          recording.profile, named);
  for (const std::string& n : preflight.notes)
    if (!quiet) say("note: {}", n);
  return preflight.scenario;
}

// Traces of the settings asked for, from the same decisions once more.
void write_grid_traces(const ReplayRequest& request, const Recording& recording, Scenario scenario,
                       const std::vector<std::string>& schedulers, const std::string& folder) {
  const Scenario judged_as = scenario;
  scenario.goals.clear();
  std::vector<std::string> names;
  for (const Task task : {Task::min_energy, Task::min_error})
    for (const GoalSpec& g :
         goal_grid(recording.profile, task, request.grid_spec, request.grid_spec.judging(judged_as))) {
      names.push_back(g.name);
      if (std::find(request.traces.begin(), request.traces.end(), g.name) != request.traces.end())
        scenario.goals.push_back(g);
    }
  for (const std::string& asked : request.traces)
    if (std::find(names.begin(), names.end(), asked) == names.end()) {
      const std::string near = nearest_word(asked, names);
      throw InputError(fmt::format("--trace {}: no setting of the grid has this name{}. The settings are: {}",
                                   asked, near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near),
                                   fmt::join(names, ", ")));
    }
  scenario.schedulers = schedulers;
  const Experiment traced(scenario, recording, recording.info.value("accuracy_source", "profile"), folder);
  run_replay(traced, recording.truth.inputs);
}

ExitCode replay_grid(const ReplayRequest& request, const RunOptions& options) {
  const Recording recording = Recording::load(request.recording);
  const Scenario scenario = scenario_to_replay(recording, request, options.quiet);
  CellRequest cell;
  cell.schedulers = request.schedulers;
  if (cell.schedulers.empty()) {
    const Preflight able = able_schedulers(recording.profile);
    cell.schedulers = able.scenario.schedulers;
    for (const std::string& n : able.notes)
      if (!options.quiet) say("note: {}", n);
  }
  cell.scheduler_settings = scenario.scheduler_settings;
  cell.grid = request.grid_spec;
  cell.threads = request.threads;
  const std::vector<std::string> schedulers = evaluated_schedulers(cell.schedulers);
  check_external_schedulers(schedulers, options.allow_commands, request.recording);
  EvaluationResult evaluation = begin_evaluation(cell);
  const auto all = [&] {
    const std::string sha256 = hash_file(description_path(request.recording)).sha256;
    for (const Task task : {Task::min_energy, Task::min_error})
      evaluation.cells.push_back(evaluate_cell(recording, scenario, sha256, task, cell));
    evaluation.total();
    if (options.json)
      print_out("{}\n", evaluation.to_json().dump(1));
    else
      print_out("{}", to_text(evaluation_report(evaluation)));
    flush_output();
  };
  if (options.out.empty()) {
    if (!request.traces.empty()) throw InputError("--trace: needs --out, the folder to write them to");
    all();
    return ExitCode::done;
  }
  ResultFolder result(options.out);
  result.manifest.external_schedulers = describe_external_schedulers(schedulers);
  begin_run(result, scenario, options, trace_names(evaluation.schedulers, request.traces, {"replay"}));
  return result.guarded([&] {
    result.manifest.accuracy_source = recording.info.value("accuracy_source", "profile");
    result.manifest.energy_source = recording.profile.energy_source;
    result.manifest.add_file(description_path(request.recording));
    if (!request.traces.empty())
      write_grid_traces(request, recording, scenario, schedulers, result.path() + "/traces");
    all();
    evaluation.write(result.path());
    write_profile(result, recording.profile);
    return result.conclude({}, options.quiet);
  });
}

}  // namespace

ExitCode replay_recording(const ReplayRequest& request, const RunOptions& options) {
  if (request.grid) return replay_grid(request, options);
  const Recording recording = Recording::load(request.recording);
  const Scenario scenario = scenario_to_replay(recording, request, options.quiet);
  check_external_schedulers(scenario.schedulers, options.allow_commands, request.recording);
  const int64_t inputs = recording.truth.inputs;
  Experiment experiment(scenario, recording, recording.info.value("accuracy_source", "profile"));
  const auto all = [&] { return summary_json(experiment, {}, run_replay(experiment, inputs).summaries()); };
  if (options.out.empty()) {
    print_summary(all(), options.json);
    return ExitCode::done;
  }
  ResultFolder result(options.out);
  result.manifest.external_schedulers = describe_external_schedulers(scenario.schedulers);
  begin_run(result, scenario, options,
            trace_names(result_names(scenario.schedulers), setting_names(scenario), {"replay"}));
  return result.guarded([&] {
    result.manifest.accuracy_source = experiment.accuracy_source;
    result.manifest.energy_source = recording.profile.energy_source;
    result.manifest.add_file(description_path(request.recording));
    experiment.traces_folder = result.path() + "/traces";
    const nlohmann::ordered_json summary = all();
    write_summary(result, summary);
    write_profile(result, recording.profile);
    print_summary(summary, options.json);
    return result.conclude({}, options.quiet);
  });
}

}  // namespace alertbench
