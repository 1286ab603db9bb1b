#include "evaluation/cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json_lines.h"
#include "core/goal_judge.h"
#include "plugins/external_schedulers.h"
#include "recording/replay_environment.h"
#include "schedulers/candidates.h"
#include "schedulers/external.h"
#include "schedulers/oracle_static.h"
#include "schedulers/phase_times.h"
#include "schedulers/static_outcomes.h"
#include "schedulers/step.h"

namespace alertbench {
namespace {

// One scheduler under one setting: replays it, and judges it.
SettingResult play(const Recording& recording, Scheduler& scheduler, const Goals& goals,
                   const Arrivals& arrivals, int64_t first) {
  ReplayEnvironment environment(recording, arrivals, goals.deadline_s);
  GoalJudge judge(goals);
  MeasuredError measured(recording.profile.accuracy_unit);
  int64_t measured_inputs = 0;
  for (int64_t input = 0; input < recording.truth.inputs; ++input) {
    const Step s = step(scheduler, environment, input, nullptr);
    if (input < first) continue;
    Violations violations = violations_of(goals, s.outcome);
    judge.add(s.outcome, opens_group(recording.truth, input), violations);
    if (s.outcome.correct) ++measured_inputs, measured.add(*s.outcome.correct);
  }
  SettingResult r;
  r.verdict = judge.verdict();
  r.violated = r.verdict.violated(goals.judge);
  // Of the answers of trained networks only: a mean over a scheduler's choice of inputs would not be
  // comparable.
  if (measured_inputs == r.verdict.inputs) r.measured_error = measured.error();
  r.bound = scheduler.bound();
  return r;
}

std::optional<double> objective_of(const SettingResult& r, Task task) {
  return task == Task::min_energy ? r.verdict.mean_energy_j : std::optional<double>(r.mean_error());
}

// `names`: as the setting's results.
void compare_with_oracles(Setting& setting, const std::vector<std::string>& names) {
  const Task task = setting.goals.task;
  const auto reference = [&](const char* name) {
    return setting.results[static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
  };
  const SettingResult fixed = reference("oracle-static"), clairvoyant = reference("oracle"),
                      mean = reference("oracle-mean"), causal = reference("oracle-causal");
  const auto over = [&](const SettingResult& r, const SettingResult& other) -> std::optional<double> {
    const auto above = objective_of(r, task), below = objective_of(other, task);
    if (!setting.feasible || other.violated || !above || !below || !(*below > 0)) return {};
    return *above / *below;
  };
  for (SettingResult& r : setting.results) {
    r.over_static = over(r, fixed);
    if (r.violated) continue;
    r.normalised = r.over_static;
    r.over_oracle = over(r, clairvoyant);
    r.over_oracle_mean = over(r, mean);
    r.over_oracle_causal = over(r, causal);
  }
}

// Which configurations each level could choose from, see Ideals.
struct Levels {
  std::vector<std::vector<bool>> networks;  // one a network, by name
  std::vector<bool> application, combined;

  explicit Levels(const Profile& profile) {
    const std::vector<Configuration> configurations = configurations_by_name(profile);
    for (const Configuration& c : configurations) {
      application.push_back(c.cap == profile.caps() - 1);
      combined.push_back(true);
    }
    for (const int model : models_by_name(profile, Candidates::all)) {
      networks.emplace_back();
      for (const Configuration& c : configurations) networks.back().push_back(c.model == model);
    }
  }
};

// Returns the ideal of each network under any cap.
std::vector<std::optional<double>> judge_static_configurations(Setting& setting,
                                                               const SchedulerInputs& inputs,
                                                               const Levels& levels) {
  const std::vector<GoalVerdict> verdicts = static_verdicts(inputs);
  const auto any_keeps = [&](bool GoalVerdict::*violated) {
    return std::any_of(verdicts.begin(), verdicts.end(),
                       [&](const GoalVerdict& v) { return !(v.*violated); });
  };
  setting.feasible_mean = any_keeps(&GoalVerdict::violated_mean);
  setting.feasible_exact = any_keeps(&GoalVerdict::violated_exact);
  setting.feasible_strict = any_keeps(&GoalVerdict::violated_strict);
  setting.feasible = setting.goals.judge == Judge::mean ? setting.feasible_mean : setting.feasible_strict;
  const auto ideal = [&](const std::vector<bool>& allowed) -> std::optional<double> {
    const int k = best_static(setting.goals, verdicts, allowed, true);
    if (k < 0) return {};
    const GoalVerdict& v = verdicts[static_cast<size_t>(k)];
    return setting.goals.task == Task::min_energy ? v.mean_energy_j
                                                  : std::optional<double>(1 - v.mean_accuracy);
  };
  setting.ideals = {{}, ideal(levels.application), ideal(levels.combined)};
  std::vector<std::optional<double>> of_network;
  for (const std::vector<bool>& network : levels.networks) of_network.push_back(ideal(network));
  return of_network;
}

// The network that keeps the goals of the most settings is the one whose caps are adapted.
void choose_system_network(Cell& cell, const std::vector<std::vector<std::optional<double>>>& of_networks) {
  std::vector<int64_t> kept(of_networks.empty() ? 0 : of_networks.front().size());
  for (const auto& of_network : of_networks)
    for (size_t m = 0; m < kept.size(); ++m) kept[m] += of_network[m].has_value();
  if (kept.empty()) return;
  const auto best = static_cast<size_t>(std::max_element(kept.begin(), kept.end()) - kept.begin());
  for (size_t i = 0; i < cell.settings.size(); ++i) cell.settings[i].ideals.system = of_networks[i][best];
}

}  // namespace

std::vector<std::string> evaluated_schedulers(const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const SchedulerInfo& info : known_schedulers())
    if (asked.empty() || info.needs_truth || std::find(asked.begin(), asked.end(), info.name) != asked.end())
      names.push_back(info.name);
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(names), is_external);
  return names;
}

namespace {

// What the files said that a scenario names stands in its recording: a path there is one that somebody put
// there.
void refuse_paths(const nlohmann::json& stored, const std::string& where) {
  using pointer = nlohmann::json::json_pointer;
  const auto text = [&](const char* at) {
    return stored.contains(pointer(at)) && stored.at(pointer(at)).is_string();
  };
  for (const char* at :
       {"/power/model", "/power/frequency_table", "/co_runner/schedule/path", "/arrivals/path"})
    if (text(at))
      throw InputError(
          fmt::format("{}: info.scenario{}: {}: a recording must not name files to read; record it again",
                      where, at, shown_json(stored.at(pointer(at)))));
}

// What is in the measured arrays, or decided them. Changed for a replay it would only change what the result
// says about them.
void refuse_what_was_recorded(const nlohmann::json& stored, const nlohmann::json& changed) {
  using pointer = nlohmann::json::json_pointer;
  const auto at = [](const nlohmann::json& scenario, const pointer& place) {
    return scenario.contains(place) ? scenario.at(place) : nlohmann::json();
  };
  for (const char* key :
       {"workload", "networks", "candidates", "inputs", "power", "co_runner", "placement", "record",
        "profile_repetitions", "seeds/inputs", "seeds/schedule", "seeds/co_runner"})
    if (const pointer place(std::string("/") + key); at(stored, place) != at(changed, place))
      throw InputError(
          fmt::format("{} was fixed when the recording was made; make another one with "
                      "`alert-bench record SCENARIO --set ...`",
                      key));
}

}  // namespace

Scenario recorded_scenario(const Recording& recording, const std::string& where,
                           const std::vector<std::string>& overrides,
                           const std::vector<std::string>& schedulers) {
  if (!recording.info.contains("scenario"))
    throw InputError(where + ": does not name its scenario (info.scenario); record it again");
  nlohmann::json stored = nlohmann::json::parse(json_text(recording.info["scenario"]));
  refuse_paths(stored, where);
  if (!schedulers.empty()) stored["schedulers"] = schedulers;
  try {
    const nlohmann::json changed = Scenario::override_json(stored, overrides);
    refuse_what_was_recorded(stored, changed);
    return Scenario::from_json(changed, recording.info.value("scenario_path", where));
  } catch (const InputError& e) {
    throw InputError(fmt::format("{}: the recorded scenario: {}", where, e.what()));
  }
}

Scenario scenario_of(const Recording& recording, const std::string& where,
                     const std::vector<std::string>& overrides, const std::vector<std::string>& schedulers) {
  const Scenario scenario = recorded_scenario(recording, where, overrides, schedulers);
  if (recording.truth.inputs == 0)
    throw InputError(where +
                     ": 0 inputs are recorded, so there is nothing to judge; continue it with `alert-bench "
                     "record --resume`");
  if (recording.truth.inputs <= first_judged(recording.truth, scenario.warmup_inputs))
    throw InputError(fmt::format(
        "{}: {} inputs, {} of them warm-up{}: there is nothing to judge; use --set warmup_inputs=N", where,
        recording.truth.inputs, scenario.warmup_inputs,
        recording.truth.members_left.empty() ? "" : ", including the whole group in which the warm-up ends"));
  if (scenario.arrivals.timed() && !inputs_are_alone(recording.truth)) refuse_timed_groups(where);
  return scenario;
}

EvaluationResult begin_evaluation(const CellRequest& request) {
  EvaluationResult evaluation;
  const std::vector<std::string> schedulers = evaluated_schedulers(request.schedulers);
  evaluation.schedulers = result_names(schedulers);
  evaluation.traits = traits_of(evaluation.schedulers);
  for (size_t i = 0; i < schedulers.size(); ++i) {
    const std::string& name = schedulers[i];
    const auto settings = request.scheduler_settings.find(name);
    // Keys sorted, as they are when an evaluation is read again: so files made in one piece and merged ones
    // agree.
    const nlohmann::json effective = nlohmann::json::parse(
        effective_settings(name, settings == request.scheduler_settings.end() ? nlohmann::json() : *settings,
                           "scheduler_settings: " + name)
            .dump());
    evaluation.scheduler_settings.emplace_back(evaluation.schedulers[i], effective.dump());
  }
  return evaluation;
}

Cell evaluate_cell(const Recording& recording, const Scenario& scenario, const std::string& recording_sha256,
                   Task task, const CellRequest& request) {
  const std::vector<std::string> schedulers = evaluated_schedulers(request.schedulers),
                                 names = result_names(schedulers);
  Cell cell;
  cell.workload = recording.profile.workload;
  cell.scenario = scenario.name;
  cell.task = task;
  cell.seed = scenario.seeds.inputs;
  cell.id = fmt::format("{}/{}/{}/seed-{}", cell.workload, cell.scenario, to_string(task), cell.seed);
  cell.recording_sha256 = recording_sha256;
  cell.inputs = recording.truth.inputs;
  cell.warmup_inputs = scenario.warmup_inputs;
  cell.configurations = recording.profile.rows() * recording.profile.caps();
  cell.co_runner = scenario.co_runner.kind;
  if (const auto slowdowns = recording.info.find("slowdowns"); slowdowns != recording.info.end())
    if (const auto median = slowdowns->find("median_ratio_over_networks");
        median != slowdowns->end() && median->is_number())
      cell.slowdown = median->get<double>();
  cell.energy_source = recording.profile.energy_source;
  std::set<std::string> sources;  // errors are by the profile, also where the recording knows what was right
  for (const ModelProfile& m : recording.profile.models)
    sources.insert(m.accuracy_source.empty() ? "profile" : m.accuracy_source);
  cell.accuracy_source = fmt::format("{}", fmt::join(sources, ", "));
  const GoalJudging judging = request.grid.judging(scenario);
  cell.judge = judging.judge;
  cell.tolerance = judging.tolerance;
  const Arrivals arrivals =
      scenario.arrivals.resolve(recording.profile, recording.truth.inputs, scenario.seeds.arrivals);
  for (const GoalSpec& spec : goal_grid(recording.profile, task, request.grid, judging)) {
    Setting s;
    s.goals = spec.resolve(recording.profile, arrivals);
    s.deadline_x = spec.deadline_x;
    s.power_limit_w = spec.power_limit_w;
    s.results.resize(names.size());
    cell.settings.push_back(std::move(s));
  }

  const int64_t first = first_judged(recording.truth, scenario.warmup_inputs);
  const Levels levels(recording.profile);
  const TruthColumns columns(recording.truth);
  const PhaseTimes phase_times(recording.truth, recording.profile, first);

  // Settings are independent of each other, and each has its place: the number of threads changes nothing.
  std::vector<std::vector<std::optional<double>>> of_networks(cell.settings.size());
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      for (size_t i; (i = next++) < cell.settings.size();) {
        Setting& setting = cell.settings[i];
        SchedulerInputs inputs{recording.profile, setting.goals, &recording.truth, arrivals, first,
                               &columns,          &phase_times};
        inputs.total_inputs = recording.truth.inputs;
        of_networks[i] = judge_static_configurations(setting, inputs, levels);
        for (size_t k = 0; k < names.size(); ++k) {
          if (interrupted()) return;
          const auto settings = request.scheduler_settings.find(schedulers[k]);
          inputs.truth = knows_truth(schedulers[k]) ? &recording.truth : nullptr;
          const auto scheduler =
              make_any_scheduler(schedulers[k], names[k], inputs,
                                 settings == request.scheduler_settings.end() ? nlohmann::json() : *settings,
                                 "scheduler_settings: " + schedulers[k]);
          setting.results[k] = play(recording, *scheduler, setting.goals, arrivals, first);
        }
        compare_with_oracles(setting, names);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
      next = cell.settings.size();
    }
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < request.threads; ++t) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  if (error) std::rethrow_exception(error);
  if (interrupted()) throw RunError("interrupted");
  choose_system_network(cell, of_networks);
  return cell;
}

}  // namespace alertbench
