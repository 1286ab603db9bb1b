#include "report/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/numbers.h"
#include "schedulers/scheduler.h"

namespace alertbench {
namespace {

constexpr const char* meaning =
    "settings: feasible ones. viol. %: settings in which more than 10 % of the inputs broke a goal. satisf. %: inputs that "
    "broke none. energy or error / X: mean over the settings (n of them) that are feasible and not violated by the scheduler, of "
    "its mean over that of X in the same setting; over cells the harmonic mean, of viol. % and satisf. % the plain mean. Brackets: "
    "bootstrap over settings within each cell. error: by the profile.";

// "rapl" or, where cells differ, "model (3 cells), rapl (2 cells)".
std::string sources(const std::vector<const Cell*>& cells, std::string Cell::*which) {
  std::vector<std::pair<std::string, int>> counts;
  for (const Cell* cell : cells) {
    const std::string& name = (cell->*which).empty() ? std::string("an unknown source") : cell->*which;
    const auto at = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == name; });
    if (at == counts.end())
      counts.emplace_back(name, 1);
    else
      ++at->second;
  }
  std::sort(counts.begin(), counts.end());
  std::vector<std::string> parts;
  for (const auto& [name, n] : counts)
    parts.push_back(counts.size() == 1 ? name : fmt::format("{} ({} cell{})", name, n, n == 1 ? "" : "s"));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string share(const std::optional<Estimate>& e) { return e ? with_interval(e->value, e->interval, 1, 100) : ""; }

std::string ratio(const std::optional<Estimate>& e) {
  return e ? fmt::format("{} ({})", with_interval(e->value, e->interval, 3), e->settings) : "";
}

Table table_of(const std::string& title, Task task, const std::vector<std::string>& schedulers,
               const std::vector<Totals>& totals) {
  const std::string what = task == Task::min_energy ? "energy" : "error";
  Table table{title,
              {{"", true},
               {"settings"},
               {"violated"},
               {"viol. %"},
               {"satisf. %"},
               {what + " / oracle-static (n)"},
               {what + " / oracle (n)"},
               {what + " / oracle-causal (n)"}},
              {}};
  for (const size_t i : scheduler_order(schedulers)) {
    const Totals& t = totals[i];
    table.rows.push_back({schedulers[i], fmt::format("{}", t.feasible), fmt::format("{}", t.violated), share(t.violation_rate),
                          share(t.satisfaction), ratio(t.normalised), ratio(t.over_oracle), ratio(t.over_oracle_causal)});
  }
  return table;
}

std::string goal_text(const Setting& s) {
  if (s.goals.task == Task::min_energy)
    return s.goals.accuracy ? fmt::format("accuracy >= {:.2f} %", 100 * *s.goals.accuracy) : "";
  std::string text = s.goals.energy_j ? fmt::format("energy <= {:.3f} J", *s.goals.energy_j) : "";
  if (s.power_limit_w) text += fmt::format("{}({:g} W)", text.empty() ? "" : " ", *s.power_limit_w);
  return text;
}

Table cells_table(const EvaluationResult& e) {
  Table table{"Cells",
              {{"", true},
               {"inputs"},
               {"warm-up"},
               {"configurations"},
               {"settings"},
               {"infeasible"},
               {"co-runner", true},
               {"slow-down"},
               {"energy from", true},
               {"accuracy from", true}},
              {}};
  for (const Cell& c : e.cells) {
    if (!c.failed.empty()) continue;
    const auto infeasible = std::count_if(c.settings.begin(), c.settings.end(), [](const Setting& s) { return !s.feasible; });
    table.rows.push_back({c.id, fmt::format("{}", c.inputs), fmt::format("{}", c.warmup_inputs),
                          fmt::format("{}", c.configurations), fmt::format("{}", c.settings.size()),
                          fmt::format("{}", infeasible), c.co_runner, rounded(c.slowdown, 2), c.energy_source,
                          c.accuracy_source});
  }
  return table;
}

Table infeasible_table(const EvaluationResult& e) {
  Table table{"Infeasible settings (oracle violates them too; they leave every total)",
              {{"cell", true}, {"setting", true}, {"deadline ms"}, {"goal", true}, {"oracle satisf. %"}},
              {}};
  const int oracle = e.scheduler_index("oracle");
  for (const Cell& c : e.cells)
    for (const Setting& s : c.settings)
      if (!s.feasible)
        table.rows.push_back({c.id, s.goals.name, fmt::format("{:.2f}", 1e3 * s.goals.deadline_s), goal_text(s),
                              oracle < 0 ? "" : rounded(s.results[static_cast<size_t>(oracle)].satisfaction, 1, 100)});
  return table;
}

Table values_of(const EvaluationResult& e) {
  Table values;
  for (const char* key :
       {"cell", "workload", "scenario", "task", "seed", "setting", "deadline_s", "deadline_x", "accuracy", "power_limit_w",
        "energy_j", "feasible", "scheduler", "inputs", "violated", "satisfaction", "violations_deadline", "violations_accuracy",
        "violations_energy", "mean_energy_j", "mean_error", "measured_error", "normalised", "over_oracle", "over_oracle_causal",
        "energy_source", "accuracy_source", "recording_sha256"})
    values.columns.push_back({key});
  for (const Cell& c : e.cells)
    for (const Setting& s : c.settings)
      for (const size_t i : scheduler_order(e.schedulers)) {
        const SettingResult& r = s.results[i];
        values.rows.push_back({c.id, c.workload, c.scenario, to_string(c.task), fmt::format("{}", c.seed), s.goals.name,
                               fmt::format("{}", s.goals.deadline_s), exact(s.deadline_x), exact(s.goals.accuracy),
                               exact(s.power_limit_w), exact(s.goals.energy_j), fmt::format("{}", s.feasible), e.schedulers[i],
                               fmt::format("{}", r.inputs), fmt::format("{}", r.violated), fmt::format("{}", r.satisfaction),
                               fmt::format("{}", r.violations_deadline), exact(r.violations_accuracy),
                               exact(r.violations_energy), exact(r.mean_energy_j), fmt::format("{}", r.mean_error),
                               exact(r.measured_error), exact(r.normalised), exact(r.over_oracle), exact(r.over_oracle_causal),
                               c.energy_source, c.accuracy_source, c.recording_sha256});
      }
  return values;
}

}  // namespace

std::vector<size_t> scheduler_order(const std::vector<std::string>& schedulers) {
  const auto& known = known_schedulers();
  const auto rank = [&](size_t i) {
    return std::find_if(known.begin(), known.end(), [&](const SchedulerInfo& s) { return s.name == schedulers[i]; }) -
           known.begin();
  };
  std::vector<size_t> order;
  for (size_t i = 0; i < schedulers.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rank(a) < rank(b); });
  return order;
}

Document evaluation_report(const EvaluationResult& e) {
  Document d;
  std::vector<const Cell*> sound;
  size_t settings = 0;
  for (const Cell& c : e.cells)
    if (c.failed.empty()) sound.push_back(&c), settings += c.settings.size();
  const size_t failed = e.cells.size() - sound.size();
  d.title = fmt::format("Evaluation: {} scheduler{} over {} cell{}, {} settings", e.schedulers.size(),
                        e.schedulers.size() == 1 ? "" : "s", sound.size(), sound.size() == 1 ? "" : "s", settings);
  if (!sound.empty())
    d.facts.push_back(fmt::format("energy from {}; accuracy from {}", sources(sound, &Cell::energy_source),
                                  sources(sound, &Cell::accuracy_source)));
  if (failed)
    d.facts.push_back(fmt::format("{} of {} cells failed, and are in no total; they are listed last", failed, e.cells.size()));
  d.facts.push_back(fmt::format("{:g} % intervals, {} resamples, seed {}", 100 * e.bootstrap.confidence, e.bootstrap.resamples,
                                e.bootstrap.seed));
  for (const Task task : {Task::min_energy, Task::min_error}) {
    const auto& totals = task == Task::min_energy ? e.min_energy : e.min_error;
    std::vector<const Cell*> cells;
    for (const Cell* c : sound)
      if (c->task == task) cells.push_back(c);
    if (!totals.empty())
      d.tables.push_back(table_of(fmt::format("{}, {} cell{}: energy from {}; accuracy from {}", to_string(task), cells.size(),
                                              cells.size() == 1 ? "" : "s", sources(cells, &Cell::energy_source),
                                              sources(cells, &Cell::accuracy_source)),
                                  task, e.schedulers, totals));
  }
  for (const Cell* c : sound)
    d.tables.push_back(table_of(fmt::format("{}: energy from {}; accuracy from {}", c->id, sources({c}, &Cell::energy_source),
                                            sources({c}, &Cell::accuracy_source)),
                                c->task, e.schedulers, c->totals));
  if (!sound.empty()) d.tables.push_back(cells_table(e));
  if (Table infeasible = infeasible_table(e); !infeasible.rows.empty()) d.tables.push_back(std::move(infeasible));
  if (failed) {
    d.tables.push_back({"Failed cells", {{"cell", true}, {"reason", true}}, {}});
    for (const Cell& c : e.cells)
      if (!c.failed.empty()) d.tables.back().rows.push_back({c.id, c.failed});
  }
  d.notes.push_back(meaning);
  d.values = values_of(e);
  return d;
}

}  // namespace alertbench
