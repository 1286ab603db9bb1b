#include "report/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/numbers.h"
#include "schedulers/scheduler.h"
#include "workloads/workload_factory.h"

namespace alertbench {
namespace {

constexpr const char* evaluation_meaning =
    "settings: feasible ones (some single configuration meets the goals). violated: as the goals are judged, "
    "\"mean\" unless a table "
    "says otherwise: more than 10 % of the inputs (sentences) late, or mean accuracy or energy beyond its "
    "goal by more than the "
    "tolerance; exact: without tolerance. in time %: inputs (sentences) that were not late. short by: how "
    "far the means of violated "
    "settings are beyond the accuracy (points) or energy goal (%), median and worst. energy or error / X: "
    "mean, over the n "
    "settings that are feasible and violated by neither, of its mean divided by that of X in the same "
    "setting; "
    "cells are combined by the harmonic mean, "
    "shares by the plain mean. Strict: goals judged input by input; violated if more than 10 % of the inputs "
    "break one; satisf. %: inputs "
    "that broke none. Brackets: bootstrap over recordings, then settings within each. error: by the profile. "
    "In "
    "replay, schedulers are not charged for their decisions.";

// "rapl" or, where cells differ, "model (3 cells), rapl (2 cells)".
std::string sources(const std::vector<const Cell*>& cells, std::string Cell::*which) {
  std::vector<std::pair<std::string, int>> counts;
  for (const Cell* cell : cells) {
    const std::string& name = (cell->*which).empty() ? std::string("an unknown source") : cell->*which;
    const auto at =
        std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == name; });
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

std::string share(const std::optional<Estimate>& e) {
  return e ? with_interval(e->value, e->interval, 1, 100) : "";
}

std::string ratio(const std::optional<Estimate>& e) {
  return e ? fmt::format("{} ({})", with_interval(e->value, e->interval, 3), e->settings) : "";
}

std::string shortfall(const Totals& t, Task task) {
  const ShortfallTotals& s = task == Task::min_energy ? t.accuracy : t.energy;
  if (s.settings == 0) return "";
  return fmt::format("{:.2f}, {:.2f} ({})", 100 * s.median, 100 * s.worst, s.settings);
}

// "23 (17*)"
std::string marked_count(int violated, int unpromised) {
  return unpromised > 0 ? fmt::format("{} ({}*)", violated, unpromised) : fmt::format("{}", violated);
}

Table table_of(const std::string& title, Task task, const std::vector<std::string>& schedulers,
               const std::vector<Totals>& totals) {
  const std::string what = task == Task::min_energy ? "energy" : "error";
  Table table{title,
              {{"", true},
               {"settings"},
               {"violated"},
               {"exact"},
               {"viol. %"},
               {"in time %"},
               {task == Task::min_energy ? "short by points (n)" : "over by % (n)"},
               {what + " / oracle-static (n)"},
               {what + " / oracle-mean (n)"},
               {what + " / oracle (n)"},
               {what + " / oracle-causal (n)"}},
              {}};
  for (const size_t i : scheduler_order(schedulers)) {
    const Totals& t = totals[i];
    table.rows.push_back({schedulers[i], fmt::format("{}", t.feasible),
                          marked_count(t.violated, t.unpromised),
                          fmt::format("{} of {}", t.violated_exact, t.feasible_exact),
                          share(t.violation_rate), share(t.in_time), shortfall(t, task), ratio(t.normalised),
                          ratio(t.over_oracle_mean), ratio(t.over_oracle), ratio(t.over_oracle_causal)});
  }
  return table;
}

// The same settings, read input by input.
Table strict_table_of(const std::string& title, const std::vector<std::string>& schedulers,
                      const std::vector<Totals>& totals) {
  Table table{title, {{"", true}, {"settings"}, {"violated"}, {"viol. %"}, {"satisf. %"}}, {}};
  for (const size_t i : scheduler_order(schedulers)) {
    const Totals& t = totals[i];
    const auto rate = t.feasible_strict > 0
                          ? std::optional<double>(static_cast<double>(t.violated_strict) / t.feasible_strict)
                          : std::nullopt;
    table.rows.push_back({schedulers[i], fmt::format("{}", t.feasible_strict),
                          marked_count(t.violated_strict, t.unpromised_strict), rounded(rate, 1, 100),
                          share(t.satisfaction)});
  }
  return table;
}

Table savings_table(const std::string& title, const std::vector<Saving>& savings) {
  Table table{title,
              {{"", true},
               {"against", true},
               {"(a) own settings (n)"},
               {"(b) both meet (n)"},
               {"(c) all feasible (n)"},
               {"violated"},
               {"by the rival"}},
              {}};
  const auto saved = [](const std::optional<Estimate>& e) {
    return e ? fmt::format("{} ({})", with_interval(e->value, e->interval, 1, 100), e->settings) : "";
  };
  for (const Saving& s : savings)
    table.rows.push_back({s.scheduler, s.rival, saved(s.a), saved(s.b), saved(s.c),
                          fmt::format("{} of {}", s.violated, s.feasible),
                          fmt::format("{} of {}", s.rival_violated, s.feasible)});
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
    const auto infeasible =
        std::count_if(c.settings.begin(), c.settings.end(), [](const Setting& s) { return !s.feasible; });
    table.rows.push_back({c.id, fmt::format("{}", c.inputs), fmt::format("{}", c.warmup_inputs),
                          fmt::format("{}", c.configurations), fmt::format("{}", c.settings.size()),
                          fmt::format("{}", infeasible), c.co_runner, rounded(c.slowdown, 2), c.energy_source,
                          c.accuracy_source});
  }
  return table;
}

Table infeasible_table(const EvaluationResult& e) {
  Table table{"Infeasible settings (no single configuration meets their goals; excluded from all totals)",
              {{"cell", true}, {"setting", true}, {"deadline ms"}, {"goal", true}, {"oracle satisf. %"}},
              {}};
  const int oracle = e.scheduler_index("oracle");
  for (const Cell& c : e.cells)
    for (const Setting& s : c.settings)
      if (!s.feasible)
        table.rows.push_back(
            {c.id, s.goals.name, fmt::format("{:.2f}", 1e3 * s.goals.deadline_s), goal_text(s),
             oracle < 0 ? "" : rounded(s.results[static_cast<size_t>(oracle)].verdict.satisfaction, 1, 100)});
  return table;
}

Table values_of(const EvaluationResult& e) {
  Table values;
  for (const char* key : {"cell",
                          "workload",
                          "scenario",
                          "task",
                          "seed",
                          "setting",
                          "deadline_s",
                          "deadline_x",
                          "accuracy",
                          "power_limit_w",
                          "energy_j",
                          "judge",
                          "feasible",
                          "feasible_exact",
                          "feasible_strict",
                          "scheduler",
                          "inputs",
                          "groups",
                          "violated",
                          "violated_exact",
                          "violated_strict",
                          "late_share",
                          "shortfall_accuracy",
                          "shortfall_energy",
                          "satisfaction",
                          "violations_deadline",
                          "violations_accuracy",
                          "violations_energy",
                          "mean_energy_j",
                          "mean_error",
                          "measured_error",
                          "normalised",
                          "over_static",
                          "over_oracle",
                          "over_oracle_mean",
                          "over_oracle_causal",
                          "bound",
                          "bound_gap",
                          "energy_source",
                          "accuracy_source",
                          "recording_sha256"})
    values.columns.push_back({key});
  for (const Cell& c : e.cells)
    for (const Setting& s : c.settings)
      for (const size_t i : scheduler_order(e.schedulers)) {
        const SettingResult& r = s.results[i];
        const GoalVerdict& v = r.verdict;
        const auto text = [](const auto& value) { return fmt::format("{}", value); };
        values.rows.push_back({c.id,
                               c.workload,
                               c.scenario,
                               to_string(c.task),
                               text(c.seed),
                               s.goals.name,
                               text(s.goals.deadline_s),
                               exact(s.deadline_x),
                               exact(s.goals.accuracy),
                               exact(s.power_limit_w),
                               exact(s.goals.energy_j),
                               to_string(s.goals.judge),
                               text(s.feasible),
                               text(s.feasible_exact),
                               text(s.feasible_strict),
                               e.schedulers[i],
                               text(v.inputs),
                               text(v.groups),
                               text(r.violated),
                               text(v.violated_exact),
                               text(v.violated_strict),
                               text(v.late_share),
                               exact(v.shortfall.accuracy),
                               exact(v.shortfall.energy),
                               text(v.satisfaction),
                               text(v.violations_deadline),
                               exact(v.violations_accuracy),
                               exact(v.violations_energy),
                               exact(v.mean_energy_j),
                               text(r.mean_error()),
                               exact(r.measured_error),
                               exact(r.normalised),
                               exact(r.over_static),
                               exact(r.over_oracle),
                               exact(r.over_oracle_mean),
                               exact(r.over_oracle_causal),
                               r.bound ? text(r.bound->objective) : "",
                               r.bound ? text(r.bound->gap) : "",
                               c.energy_source,
                               c.accuracy_source,
                               c.recording_sha256});
      }
  return values;
}

}  // namespace

std::vector<size_t> scheduler_order(const std::vector<std::string>& schedulers) {
  const auto& known = known_schedulers();
  const auto rank = [&](size_t i) {
    return std::find_if(known.begin(), known.end(),
                        [&](const SchedulerInfo& s) { return s.name == schedulers[i]; }) -
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
  d.title =
      fmt::format("Evaluation: {} scheduler{} over {} cell{}, {} settings", e.schedulers.size(),
                  e.schedulers.size() == 1 ? "" : "s", sound.size(), sound.size() == 1 ? "" : "s", settings);
  if (!sound.empty())
    d.facts.push_back(fmt::format("energy from {}; accuracy from {}", sources(sound, &Cell::energy_source),
                                  sources(sound, &Cell::accuracy_source)));
  if (failed)
    d.facts.push_back(fmt::format("{} of {} cells failed; they are excluded from all totals and listed last",
                                  failed, e.cells.size()));
  d.facts.push_back(fmt::format("{:g} % intervals, {} resamples, seed {}", 100 * e.bootstrap.confidence,
                                e.bootstrap.resamples, e.bootstrap.seed));
  for (const EvaluationResult::Domain& domain : e.domains)
    for (const Task task : {Task::min_energy, Task::min_error}) {
      const EvaluationResult::Domain::Task& of_task =
          task == Task::min_energy ? domain.min_energy : domain.min_error;
      if (of_task.totals.empty()) continue;
      std::vector<const Cell*> cells;
      for (const Cell* c : sound)
        if (c->task == task && (domain.name == "all" || domain_of(c->workload) == domain.name))
          cells.push_back(c);
      const std::string title =
          domain.name == "all" ? to_string(task) : fmt::format("{}, {}", domain.name, to_string(task));
      d.tables.push_back(
          table_of(fmt::format("{}, {} cell{}: energy from {}; accuracy from {}", title, cells.size(),
                               cells.size() == 1 ? "" : "s", sources(cells, &Cell::energy_source),
                               sources(cells, &Cell::accuracy_source)),
                   task, e.schedulers, of_task.totals));
      d.tables.push_back(
          strict_table_of(title + ", strict: goals judged input by input", e.schedulers, of_task.totals));
      if (!of_task.savings.empty())
        d.tables.push_back(savings_table(
            fmt::format("{}: {} saved, %", title, task == Task::min_energy ? "energy" : "error"),
            of_task.savings));
    }
  for (const Cell* c : sound)
    d.tables.push_back(
        table_of(fmt::format("{}: energy from {}; accuracy from {}", c->id,
                             sources({c}, &Cell::energy_source), sources({c}, &Cell::accuracy_source)),
                 c->task, e.schedulers, c->totals));
  if (!sound.empty()) d.tables.push_back(cells_table(e));
  if (Table infeasible = infeasible_table(e); !infeasible.rows.empty())
    d.tables.push_back(std::move(infeasible));
  if (failed) {
    d.tables.push_back({"Failed cells", {{"cell", true}, {"reason", true}}, {}});
    for (const Cell& c : e.cells)
      if (!c.failed.empty()) d.tables.back().rows.push_back({c.id, c.failed});
  }
  d.notes.push_back(evaluation_meaning);
  d.notes.emplace_back(unpromised_meaning);
  d.values = values_of(e);
  return d;
}

}  // namespace alertbench
