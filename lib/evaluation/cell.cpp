#include "evaluation/cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/violations.h"
#include "metrics/summary.h"
#include "recording/replay_environment.h"
#include "schedulers/scheduler.h"

namespace alertbench {
namespace {

const char* const oracles[] = {"oracle", "oracle-static", "oracle-causal"};

// One scheduler under one setting: replays it, and counts.
SettingResult play(const Recording& recording, Scheduler& scheduler, const Goals& goals, Arrivals arrivals, int64_t warmup) {
  ReplayEnvironment environment(recording, arrivals, goals.deadline_s);
  int64_t any = 0, deadline = 0, accuracy = 0, energy = 0, judged = 0, with_energy = 0;
  double energy_j = 0, error = 0;
  MeasuredError measured(recording.profile.accuracy_unit);
  const int64_t inputs = recording.truth.inputs;
  for (int64_t input = 0; input < inputs; ++input) {
    const Arrival arrival = environment.arrive(input);
    const Context context{input, arrival.deadline_s - arrival.wait_s, arrival.period_s, environment.size(input)};
    const Configuration chosen = scheduler.decide(context);
    const Outcome outcome = environment.execute(chosen, context);
    scheduler.observe(observation_of(chosen, context, outcome, 0));
    if (input < warmup) continue;
    const Violations v = violations_of(goals, outcome);
    any += v.any(), deadline += v.deadline, accuracy += v.accuracy.value_or(false), energy += v.energy.value_or(false);
    error += 1 - outcome.accuracy;
    if (outcome.energy_j) ++with_energy, energy_j += *outcome.energy_j;
    if (outcome.correct) ++judged, measured.add(*outcome.correct);
  }
  SettingResult r;
  r.inputs = inputs - warmup;
  const auto n = static_cast<double>(r.inputs);
  const auto share = [&](int64_t count) { return static_cast<double>(count) / n; };
  r.satisfaction = static_cast<double>(r.inputs - any) / n;
  r.violated = share(any) > violated_share;
  r.violations_deadline = share(deadline);
  if (goals.task == Task::min_energy && goals.accuracy) r.violations_accuracy = share(accuracy);
  if (goals.task == Task::min_error && goals.energy_j) r.violations_energy = share(energy);
  if (with_energy == r.inputs) r.mean_energy_j = energy_j / n;
  r.mean_error = error / n;
  // Of the answers of trained networks only: a mean over a scheduler's choice of inputs would not be comparable.
  if (judged == r.inputs) r.measured_error = measured.error();
  return r;
}

std::optional<double> objective_of(const SettingResult& r, Task task) {
  return task == Task::min_energy ? r.mean_energy_j : std::optional<double>(r.mean_error);
}

void compare_with_oracles(Setting& setting, const std::vector<std::string>& names) {
  const auto result_of = [&](const char* name) -> const SettingResult& {
    return setting.results[static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
  };
  const Task task = setting.goals.task;
  setting.feasible = !result_of("oracle").violated;
  const SettingResult references[] = {result_of("oracle"), result_of("oracle-static"), result_of("oracle-causal")};
  const auto ratio = [&](const SettingResult& r, const SettingResult& reference) -> std::optional<double> {
    const auto above = objective_of(r, task), below = objective_of(reference, task);
    if (!setting.feasible || r.violated || reference.violated || !above || !below || !(*below > 0)) return {};
    return *above / *below;
  };
  for (SettingResult& r : setting.results) {
    r.over_oracle = ratio(r, references[0]);
    r.normalised = ratio(r, references[1]);
    r.over_oracle_causal = ratio(r, references[2]);
  }
}

}  // namespace

std::vector<std::string> evaluated_schedulers(const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const SchedulerInfo& info : known_schedulers())
    if (asked.empty() || std::find(asked.begin(), asked.end(), info.name) != asked.end() ||
        std::find(std::begin(oracles), std::end(oracles), info.name) != std::end(oracles))
      names.push_back(info.name);
  return names;
}

Scenario scenario_of(const Recording& recording, const std::string& where, const std::vector<std::string>& overrides,
                     const std::vector<std::string>& schedulers) {
  if (!recording.info.contains("scenario"))
    throw InputError(where + ": does not say which scenario it is of (info.scenario); record it again");
  nlohmann::json stored = nlohmann::json::parse(recording.info["scenario"].dump());
  if (!schedulers.empty()) stored["schedulers"] = schedulers;
  const Scenario scenario =
      Scenario::from_json(Scenario::override_json(stored, overrides), recording.info.value("scenario_path", where));
  if (recording.truth.inputs <= scenario.warmup_inputs)
    throw InputError(fmt::format("{}: {} inputs, of which {} are warm-up: nothing to measure", where, recording.truth.inputs,
                                 scenario.warmup_inputs));
  return scenario;
}

EvaluationResult begin_evaluation(const CellRequest& request) {
  EvaluationResult evaluation;
  evaluation.schedulers = evaluated_schedulers(request.schedulers);
  for (const std::string& name : evaluation.schedulers) {
    const auto settings = request.scheduler_settings.find(name);
    // Keys sorted, as they are when an evaluation is read again: so files made in one piece and merged ones agree.
    const nlohmann::json effective = nlohmann::json::parse(
        effective_settings(name, settings == request.scheduler_settings.end() ? nlohmann::json() : *settings, "scheduler_settings: " + name)
            .dump());
    evaluation.scheduler_settings.emplace_back(name, effective.dump());
  }
  return evaluation;
}

Cell evaluate_cell(const Recording& recording, const Scenario& scenario, const std::string& recording_sha256, Task task,
                   const CellRequest& request) {
  const std::vector<std::string> names = evaluated_schedulers(request.schedulers);
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
    if (const auto median = slowdowns->find("median_ratio_over_networks"); median != slowdowns->end() && median->is_number())
      cell.slowdown = median->get<double>();
  cell.energy_source = recording.profile.energy_source;
  cell.accuracy_source = recording.info.value("accuracy_source", "profile");
  for (const GoalSpec& spec : goal_grid(recording.profile, task, request.grid)) {
    Setting s;
    s.goals = spec.resolve(recording.profile);
    s.deadline_x = spec.deadline_x;
    s.power_limit_w = spec.power_limit_w;
    s.results.resize(names.size());
    cell.settings.push_back(std::move(s));
  }

  // Settings are independent of each other, and each has its place: the number of threads changes nothing.
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      for (size_t i; (i = next++) < cell.settings.size();) {
        Setting& setting = cell.settings[i];
        for (size_t k = 0; k < names.size(); ++k) {
          if (interrupted()) return;
          const auto settings = request.scheduler_settings.find(names[k]);
          const bool oracle = std::find(std::begin(oracles), std::end(oracles), names[k]) != std::end(oracles);
          const auto scheduler = make_scheduler(
              names[k], {recording.profile, setting.goals, oracle ? &recording.truth : nullptr, scenario.arrivals},
              settings == request.scheduler_settings.end() ? nlohmann::json() : *settings, "scheduler_settings: " + names[k]);
          setting.results[k] = play(recording, *scheduler, setting.goals, scenario.arrivals, scenario.warmup_inputs);
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
  return cell;
}

}  // namespace alertbench
