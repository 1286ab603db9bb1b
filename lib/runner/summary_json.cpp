#include "runner/summary_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/atomic_file.h"
#include "base/console.h"
#include "metrics/scheduler_traits.h"
#include "report/summary_report.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

std::string goal_text(const Goals& g) {
  const char* reading = g.judge == Judge::mean ? " on average" : "";
  if (g.task == Task::min_energy)
    return fmt::format("least energy with accuracy >= {:.2f} %{} and latency <= {:.2f} ms", 100 * *g.accuracy,
                       reading, 1e3 * g.deadline_s);
  return fmt::format("least error with energy <= {:.3f} J{} and latency <= {:.2f} ms", *g.energy_j, reading,
                     1e3 * g.deadline_s);
}

ordered_json ratio_of(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b && *b > 0 ? ordered_json(*a / *b) : ordered_json(nullptr);
}

}  // namespace

ordered_json summary_json(const Experiment& experiment, const std::vector<Summary>& live,
                          const std::vector<Summary>& replay) {
  ordered_json j = {{"schema_version", summary_schema_version},
                    {"scenario", experiment.scenario.name},
                    {"workload", experiment.scenario.workload},
                    {"energy_source", experiment.energy_source},
                    {"accuracy_source", experiment.accuracy_source},
                    {"accuracy_unit", to_string(experiment.recording.profile.accuracy_unit)},
                    {"scheduler_info", traits_json(traits_of(experiment.scenario.schedulers))},
                    {"goals", ordered_json::array()},
                    {"results", ordered_json::array()},
                    {"tasks", ordered_json::array()},
                    {"live_against_replay", ordered_json::array()}};
  for (const Goals& g : experiment.goals)
    j["goals"].push_back({{"name", g.name},
                          {"task", to_string(g.task)},
                          {"deadline_s", g.deadline_s},
                          {"accuracy", g.accuracy ? ordered_json(*g.accuracy) : ordered_json(nullptr)},
                          {"energy_j", g.energy_j ? ordered_json(*g.energy_j) : ordered_json(nullptr)},
                          {"text", goal_text(g)}});
  for (const auto* side : {&live, &replay})
    for (const Summary& s : *side) j["results"].push_back(s.to_json());
  std::vector<Summary> all = live;
  all.insert(all.end(), replay.begin(), replay.end());
  BootstrapSettings bootstrap;
  bootstrap.seed = experiment.scenario.seeds.bootstrap;
  for (const TaskSummary& t : over_settings(all, bootstrap)) j["tasks"].push_back(t.to_json());
  for (size_t i = 0; i < live.size() && i < replay.size(); ++i) {
    const Summary &l = live[i], &r = replay[i];
    j["live_against_replay"].push_back(
        {{"scheduler", l.scheduler},
         {"setting", l.setting},
         {"median_latency_ratio", ratio_of(l.latency_s.median, r.latency_s.median)},
         {"energy_ratio", ratio_of(l.mean_energy_j, r.mean_energy_j)},
         {"error_ratio", ratio_of(l.mean_error, r.mean_error)},
         {"late_share_difference", l.late_share && r.late_share ? ordered_json(*l.late_share - *r.late_share)
                                                                : ordered_json(nullptr)}});
  }
  return j;
}

void write_summary(const ResultFolder& result, const ordered_json& summary) {
  write_file_atomically(result.path() + "/summary.json", summary.dump(1) + "\n");
}

void print_summary(const ordered_json& summary, bool json) {
  if (json)
    print_out("{}\n", summary.dump(2));
  else
    print_out("{}", to_text(summary_report(nlohmann::json::parse(summary.dump()), "summary")));
  flush_output();
}

}  // namespace alertbench
