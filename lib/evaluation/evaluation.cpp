#include "evaluation/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/atomic_file.h"
#include "base/json_lines.h"
#include "base/json_reader.h"
#include "base/or_null.h"
#include "core/goal_json.h"
#include "metrics/verdict_json.h"
#include "schedulers/scheduler.h"
#include "workloads/workload_factory.h"

namespace alertbench {

using nlohmann::ordered_json;

namespace {

constexpr double any_number = 1e300;
constexpr int most_settings = 1000000;

// ---- totals

// What a total is taken of: one value a setting, where it counts.
using Pick = std::optional<double> (*)(const Setting&, const SettingResult&);

enum class Join { mean, harmonic };

// A value for each setting, where it counts, of a scheduler and perhaps of another; one group a recording.
using Values = std::array<std::optional<double>, 2>;
using Groups = std::vector<std::vector<Values>>;

// The mean over settings of each recording, joined over the recordings that have any; nullopt without any.
// `setting(g, k)` and `recording(k)` choose which: the identity, or what a bootstrap drew.
template <class Recording, class Chosen>
std::optional<double> joined(const Groups& groups, size_t which, Join join, const Recording& recording,
                             const Chosen& setting) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::vector<Values>& g = groups[recording(i)];
    double own = 0, n = 0;
    for (size_t k = 0; k < g.size(); ++k)
      if (const auto& v = g[setting(i, k)][which]) own += *v, ++n;
    if (n == 0) continue;
    sum += join == Join::harmonic ? n / own : own / n;
    ++count;
  }
  if (count == 0) return {};
  return join == Join::harmonic ? count / sum : sum / count;
}

// `figure(first, second)` of the joined values, with its interval.
template <class Figure>
std::optional<Estimate> estimate(const Groups& groups, Join join, const BootstrapSettings& bootstrap_settings,
                                 bool pairs, const Figure& figure) {
  Estimate e;
  for (const auto& g : groups)
    for (const Values& v : g) e.settings += v[0] || v[1];
  const auto at = [&](const auto& recording, const auto& setting) -> std::optional<double> {
    const auto first = joined(groups, 0, join, recording, setting);
    const auto second = pairs ? joined(groups, 1, join, recording, setting) : std::optional<double>(1);
    if (!first || !second) return {};
    const double value = figure(*first, *second);
    return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
  };
  const auto value = at([](size_t i) { return i; }, [](size_t, size_t k) { return k; });
  if (!value) return {};
  e.value = *value;
  if (e.settings < 2) return e;
  std::vector<size_t> recordings(groups.size());
  std::vector<std::vector<size_t>> settings(groups.size());
  e.interval = bootstrap(bootstrap_settings, Undefined::skip, [&](Random& random) {
    for (size_t i = 0; i < groups.size(); ++i) {
      recordings[i] = groups.size() > 1 ? random.below(groups.size()) : 0;
      settings[i].resize(groups[recordings[i]].size());
      for (size_t& k : settings[i]) k = random.below(settings[i].size());
    }
    return at([&](size_t i) { return recordings[i]; }, [&](size_t i, size_t k) { return settings[i][k]; });
  });
  return e;
}

// What the shortfall of settings that fall short comes to; `values` are above 0.
ShortfallTotals shortfall_of(std::vector<double> values) {
  ShortfallTotals t;
  t.settings = static_cast<int>(values.size());
  if (values.empty()) return t;
  t.worst = *std::max_element(values.begin(), values.end());
  t.median = quantile(std::move(values), 0.5).value_or(0);
  return t;
}

// The goals that each break by themselves.
BrokenGoals broken_goals(const Setting& s, const GoalVerdict& v) {
  return {v.late_share > allowed_share, v.shortfall.accuracy.value_or(0) > s.goals.tolerance.accuracy ||
                                            v.shortfall.energy.value_or(0) > s.goals.tolerance.energy};
}

BrokenGoals broken_goals_strict(const GoalVerdict& v) {
  return {v.late_share > allowed_share,
          std::max(v.violations_accuracy.value_or(0), v.violations_energy.value_or(0)) > allowed_share};
}

Totals totals_of(const std::vector<const Cell*>& cells, const EvaluationResult& of, size_t scheduler) {
  const std::string& name = of.schedulers[scheduler];
  const auto collect = [&](Pick pick, Join join) -> std::optional<Estimate> {
    Groups groups;
    for (const Cell* cell : cells) {
      groups.emplace_back();
      for (const Setting& s : cell->settings)
        if (const auto v = pick(s, s.results[scheduler])) groups.back().push_back({v, {}});
      if (groups.back().empty()) groups.pop_back();
    }
    return estimate(groups, join, of.bootstrap, false, [](double v, double) { return v; });
  };
  Totals t;
  std::vector<double> late, accuracy, energy;
  for (const Cell* cell : cells)
    for (const Setting& s : cell->settings) {
      const SettingResult& r = s.results[scheduler];
      t.feasible += s.feasible;
      t.violated += s.feasible && r.violated;
      t.feasible_exact += s.feasible_exact;
      t.violated_exact += s.feasible_exact && r.verdict.violated_exact;
      t.feasible_strict += s.feasible_strict;
      t.violated_strict += s.feasible_strict && r.verdict.violated_strict;
      const BrokenGoals strict = broken_goals_strict(r.verdict);
      const BrokenGoals broken = s.goals.judge == Judge::mean ? broken_goals(s, r.verdict) : strict;
      t.unpromised += s.feasible && r.violated && kept_its_promises(of.traits, name, s.goals.task, broken);
      t.unpromised_strict += s.feasible_strict && r.verdict.violated_strict &&
                             kept_its_promises(of.traits, name, s.goals.task, strict);
      if (!s.feasible || !r.violated) continue;
      const Shortfall& f = r.verdict.shortfall;
      if (f.late > 0) late.push_back(f.late);
      if (f.accuracy.value_or(0) > 0) accuracy.push_back(*f.accuracy);
      if (f.energy.value_or(0) > 0) energy.push_back(*f.energy);
    }
  t.late = shortfall_of(std::move(late));
  t.accuracy = shortfall_of(std::move(accuracy));
  t.energy = shortfall_of(std::move(energy));
  using Value = std::optional<double>;
  t.violation_rate = collect(
      [](const Setting& s, const SettingResult& r) { return s.feasible ? Value(r.violated) : Value(); },
      Join::mean);
  t.in_time =
      collect([](const Setting& s,
                 const SettingResult& r) { return s.feasible ? Value(1 - r.verdict.late_share) : Value(); },
              Join::mean);
  t.satisfaction =
      collect([](const Setting& s,
                 const SettingResult& r) { return s.feasible ? Value(r.verdict.satisfaction) : Value(); },
              Join::mean);
  t.normalised = collect([](const Setting&, const SettingResult& r) { return r.normalised; }, Join::harmonic);
  t.over_static =
      collect([](const Setting&, const SettingResult& r) { return r.over_static; }, Join::harmonic);
  t.over_oracle =
      collect([](const Setting&, const SettingResult& r) { return r.over_oracle; }, Join::harmonic);
  t.over_oracle_mean =
      collect([](const Setting&, const SettingResult& r) { return r.over_oracle_mean; }, Join::harmonic);
  t.over_oracle_causal =
      collect([](const Setting&, const SettingResult& r) { return r.over_oracle_causal; }, Join::harmonic);
  return t;
}

Saving saving_of(const std::vector<const Cell*>& cells, const std::vector<std::string>& schedulers,
                 size_t own, size_t rival, const BootstrapSettings& bootstrap) {
  Saving s{schedulers[own], schedulers[rival], {}, {}, {}, 0, 0, 0};
  Groups a, b, c;
  for (const Cell* cell : cells) {
    for (Groups* groups : {&a, &b, &c}) groups->emplace_back();
    for (const Setting& setting : cell->settings) {
      if (!setting.feasible) continue;
      const SettingResult &x = setting.results[own], &y = setting.results[rival];
      ++s.feasible;
      s.violated += x.violated;
      s.rival_violated += y.violated;
      if (x.normalised || y.normalised) a.back().push_back({x.normalised, y.normalised});
      if (x.normalised && y.normalised) b.back().push_back({x.normalised, y.normalised});
      if (x.over_static && y.over_static) c.back().push_back({x.over_static, y.over_static});
    }
    for (Groups* groups : {&a, &b, &c})
      if (groups->back().empty()) groups->pop_back();
  }
  const auto saved = [](double x, double y) { return 1 - x / y; };
  s.a = estimate(a, Join::harmonic, bootstrap, true, saved);
  s.b = estimate(b, Join::harmonic, bootstrap, true, saved);
  s.c = estimate(c, Join::harmonic, bootstrap, true, saved);
  return s;
}

// ---- JSON

ordered_json to_json(const std::optional<Estimate>& e) {
  if (!e) return nullptr;
  return {{"value", e->value},
          {"low", e->interval ? ordered_json(e->interval->low) : ordered_json(nullptr)},
          {"high", e->interval ? ordered_json(e->interval->high) : ordered_json(nullptr)},
          {"settings", e->settings}};
}

ordered_json to_json(const ShortfallTotals& t) {
  if (t.settings == 0) return nullptr;
  return {{"settings", t.settings}, {"median", t.median}, {"worst", t.worst}};
}

ordered_json to_json(const std::vector<Totals>& totals, const std::vector<std::string>& schedulers) {
  ordered_json all = ordered_json::object();
  for (size_t i = 0; i < totals.size(); ++i) {
    const Totals& t = totals[i];
    all[schedulers[i]] = {
        {"feasible_settings", t.feasible},
        {"violated_settings", t.violated},
        {"exact", {{"feasible_settings", t.feasible_exact}, {"violated_settings", t.violated_exact}}},
        {"strict", {{"feasible_settings", t.feasible_strict}, {"violated_settings", t.violated_strict}}},
        {"violation_rate", to_json(t.violation_rate)},
        {"in_time", to_json(t.in_time)},
        {"satisfaction", to_json(t.satisfaction)},
        {"shortfall",
         {{"late", to_json(t.late)}, {"accuracy", to_json(t.accuracy)}, {"energy", to_json(t.energy)}}},
        {"normalised", to_json(t.normalised)},
        {"over_static", to_json(t.over_static)},
        {"over_oracle", to_json(t.over_oracle)},
        {"over_oracle_mean", to_json(t.over_oracle_mean)},
        {"over_oracle_causal", to_json(t.over_oracle_causal)}};
  }
  return all;
}

ordered_json to_json(const EvaluationResult::Domain::Task& task, const std::vector<std::string>& schedulers) {
  ordered_json savings = ordered_json::array();
  for (const Saving& s : task.savings)
    savings.push_back({{"scheduler", s.scheduler},
                       {"rival", s.rival},
                       {"own_settings", to_json(s.a)},
                       {"both_keep", to_json(s.b)},
                       {"all_feasible", to_json(s.c)},
                       {"feasible_settings", s.feasible},
                       {"violated_settings", s.violated},
                       {"rival_violated_settings", s.rival_violated}});
  return {{"schedulers", to_json(task.totals, schedulers)}, {"savings", savings}};
}

ordered_json to_json(const SettingResult& r) {
  const GoalVerdict& v = r.verdict;
  return {{"inputs", v.inputs},
          {"groups", v.groups},
          {"violated", r.violated},
          {"late_share", v.late_share},
          {"mean_error", r.mean_error()},
          {"mean_energy_j", or_null(v.mean_energy_j)},
          {"measured_error", or_null(r.measured_error)},
          {"mean", mean_reading_json(MeanReading{v.violated_mean, v.violated_exact, v.shortfall})},
          {"strict",
           {{"violated", v.violated_strict},
            {"satisfaction", v.satisfaction},
            {"violations_deadline", v.violations_deadline},
            {"violations_accuracy", or_null(v.violations_accuracy)},
            {"violations_energy", or_null(v.violations_energy)}}},
          {"bound", bound_json(r.bound)},
          {"normalised", or_null(r.normalised)},
          {"over_static", or_null(r.over_static)},
          {"over_oracle", or_null(r.over_oracle)},
          {"over_oracle_mean", or_null(r.over_oracle_mean)},
          {"over_oracle_causal", or_null(r.over_oracle_causal)}};
}

SettingResult read_result(JsonReader reader) {
  SettingResult r;
  GoalVerdict& v = r.verdict;
  v.inputs = reader.integer("inputs", 0, std::numeric_limits<int>::max());
  v.groups = reader.integer("groups", 0, std::numeric_limits<int>::max());
  r.violated = reader.boolean("violated", false);
  v.late_share = reader.number("late_share", 0, 1);
  v.mean_accuracy = 1 - reader.number("mean_error", 0, 1);
  v.mean_energy_j = reader.optional_number("mean_energy_j", 0, any_number);
  r.measured_error = reader.optional_number("measured_error", 0, any_number);
  const MeanReading mean = read_mean_reading(reader.object("mean"));
  v.violated_mean = mean.violated;
  v.violated_exact = mean.violated_exact;
  v.shortfall = mean.shortfall;
  JsonReader strict = reader.object("strict");
  v.violated_strict = strict.boolean("violated", false);
  v.satisfaction = strict.number("satisfaction", 0, 1);
  v.violations_deadline = strict.number("violations_deadline", 0, 1);
  v.violations_accuracy = strict.optional_number("violations_accuracy", 0, 1);
  v.violations_energy = strict.optional_number("violations_energy", 0, 1);
  strict.finish();
  r.bound = read_bound(reader);
  r.normalised = reader.optional_number("normalised", 0, any_number);
  r.over_static = reader.optional_number("over_static", 0, any_number);
  r.over_oracle = reader.optional_number("over_oracle", 0, any_number);
  r.over_oracle_mean = reader.optional_number("over_oracle_mean", 0, any_number);
  r.over_oracle_causal = reader.optional_number("over_oracle_causal", 0, any_number);
  reader.finish();
  return r;
}

ordered_json to_json(const Setting& s, const std::vector<std::string>& schedulers) {
  ordered_json j = {{"name", s.goals.name},
                    {"deadline_s", s.goals.deadline_s},
                    {"deadline_x", or_null(s.deadline_x)},
                    {"accuracy", or_null(s.goals.accuracy)},
                    {"power_limit_w", or_null(s.power_limit_w)},
                    {"energy_j", or_null(s.goals.energy_j)},
                    {"feasible", s.feasible},
                    {"feasible_mean", s.feasible_mean},
                    {"feasible_exact", s.feasible_exact},
                    {"feasible_strict", s.feasible_strict},
                    {"ideals",
                     {{"system", or_null(s.ideals.system)},
                      {"application", or_null(s.ideals.application)},
                      {"combined", or_null(s.ideals.combined)}}},
                    {"results", ordered_json::object()}};
  for (size_t i = 0; i < schedulers.size(); ++i) j["results"][schedulers[i]] = to_json(s.results[i]);
  return j;
}

Setting read_setting(JsonReader reader, const Goals& judged_as, const std::vector<std::string>& schedulers) {
  Setting s;
  s.goals = judged_as;
  s.goals.name = reader.text("name");
  s.goals.deadline_s = reader.number("deadline_s", 0, any_number);
  s.deadline_x = reader.optional_number("deadline_x", 0, any_number);
  s.goals.accuracy = reader.optional_number("accuracy", 0, 1);
  s.power_limit_w = reader.optional_number("power_limit_w", 0, any_number);
  s.goals.energy_j = reader.optional_number("energy_j", 0, any_number);
  s.feasible = reader.boolean("feasible", true);
  s.feasible_mean = reader.boolean("feasible_mean", true);
  s.feasible_exact = reader.boolean("feasible_exact", true);
  s.feasible_strict = reader.boolean("feasible_strict", true);
  JsonReader ideals = reader.object("ideals");
  s.ideals.system = ideals.optional_number("system", 0, any_number);
  s.ideals.application = ideals.optional_number("application", 0, any_number);
  s.ideals.combined = ideals.optional_number("combined", 0, any_number);
  ideals.finish();
  JsonReader results = reader.object("results");
  for (const std::string& name : schedulers) s.results.push_back(read_result(results.object(name)));
  results.finish();
  reader.finish();
  return s;
}

ordered_json to_json(const Cell& c, const std::vector<std::string>& schedulers) {
  ordered_json j = {{"id", c.id},
                    {"workload", c.workload},
                    {"scenario", c.scenario},
                    {"task", to_string(c.task)},
                    {"seed", c.seed},
                    {"failed", c.failed.empty() ? ordered_json(nullptr) : ordered_json(c.failed)},
                    {"recording_sha256", c.recording_sha256},
                    {"inputs", c.inputs},
                    {"warmup_inputs", c.warmup_inputs},
                    {"configurations", c.configurations},
                    {"co_runner", c.co_runner},
                    {"slowdown", or_null(c.slowdown)},
                    {"energy_source", c.energy_source},
                    {"accuracy_source", c.accuracy_source},
                    {"judge", to_string(c.judge)},
                    {"goal_tolerance", {{"accuracy", c.tolerance.accuracy}, {"energy", c.tolerance.energy}}},
                    {"schedulers", to_json(c.totals, schedulers)},
                    {"settings", ordered_json::array()}};
  for (const Setting& s : c.settings) j["settings"].push_back(to_json(s, schedulers));
  return j;
}

Cell read_cell(JsonReader reader, const std::vector<std::string>& schedulers) {
  Cell c;
  c.id = reader.text("id");
  c.workload = reader.text("workload");
  c.scenario = reader.text("scenario");
  c.task = read_task(reader);
  c.seed = reader.seed("seed", 0);
  if (reader.has("failed")) c.failed = reader.text("failed");
  c.recording_sha256 = reader.text("recording_sha256");
  c.inputs = reader.integer("inputs", 0, std::numeric_limits<int>::max());
  c.warmup_inputs = reader.integer("warmup_inputs", 0, std::numeric_limits<int>::max());
  c.configurations = reader.integer("configurations", 0, most_settings);
  c.co_runner = reader.text("co_runner");
  c.slowdown = reader.optional_number("slowdown", 0, any_number);
  c.energy_source = reader.text("energy_source");
  c.accuracy_source = reader.text("accuracy_source");
  c.judge = read_judge(reader);
  JsonReader tolerance = reader.object("goal_tolerance");
  c.tolerance.accuracy = tolerance.number("accuracy", 0, 1);
  c.tolerance.energy = tolerance.number("energy", 0, any_number);
  tolerance.finish();
  reader.raw("schedulers");  // computed again
  Goals judged_as;
  judged_as.task = c.task;
  judged_as.judge = c.judge;
  judged_as.tolerance = c.tolerance;
  for (JsonReader& s : reader.objects("settings"))
    c.settings.push_back(read_setting(std::move(s), judged_as, schedulers));
  reader.finish();
  return c;
}

}  // namespace

int EvaluationResult::scheduler_index(const std::string& name) const {
  const auto at = std::find(schedulers.begin(), schedulers.end(), name);
  return at == schedulers.end() ? -1 : static_cast<int>(at - schedulers.begin());
}

void EvaluationResult::total() {
  std::sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) { return a.id < b.id; });
  for (Cell& c : cells) {
    c.totals.clear();
    if (c.failed.empty())
      for (size_t i = 0; i < schedulers.size(); ++i) c.totals.push_back(totals_of({&c}, *this, i));
  }
  std::vector<std::string> names = {"all"};
  for (const std::string& domain : workload_domains()) {
    const auto in_domain = [&](const Cell& c) { return c.failed.empty() && domain_of(c.workload) == domain; };
    if (std::any_of(cells.begin(), cells.end(), in_domain)) names.push_back(domain);
  }
  if (names.size() == 2) names.pop_back();  // the same cells again
  domains.clear();
  for (const std::string& name : names) {
    Domain domain;
    domain.name = name;
    if (name != "all")
      for (const Cell& c : cells)
        if (c.failed.empty() && domain_of(c.workload) == name) domain.workloads.insert(c.workload);
    for (const Task task : {Task::min_energy, Task::min_error}) {
      std::vector<const Cell*> of_task;
      for (const Cell& c : cells)
        if (c.task == task && c.failed.empty() && (name == "all" || domain_of(c.workload) == name))
          of_task.push_back(&c);
      if (of_task.empty()) continue;
      Domain::Task& all = task == Task::min_energy ? domain.min_energy : domain.min_error;
      for (size_t i = 0; i < schedulers.size(); ++i) all.totals.push_back(totals_of(of_task, *this, i));
      const int own = scheduler_index("alert");
      for (size_t rival = 0; own >= 0 && rival < schedulers.size(); ++rival)
        if (!knows_truth(schedulers[rival]) && static_cast<int>(rival) != own)
          all.savings.push_back(saving_of(of_task, schedulers, static_cast<size_t>(own), rival, bootstrap));
    }
    domains.push_back(std::move(domain));
  }
  total_groups();
}

void EvaluationResult::total_groups() {
  groups.clear();
  std::set<std::pair<std::string, std::string>> names;
  std::set<std::string> workloads;
  for (const Cell& c : cells) {
    if (!c.failed.empty()) continue;
    workloads.insert(c.workload);
    names.insert({c.workload, ""});
    names.insert({c.workload, c.scenario});
  }
  if (workloads.size() > 1)
    for (const Cell& c : cells)
      if (c.failed.empty()) names.insert({"", c.scenario});
  std::map<std::string, int> of_domain;
  for (const std::string& w : workloads) ++of_domain[domain_of(w)];
  for (const auto& [workload, scenario] : names) {
    const std::string domain = domain_of(workload);
    if (scenario.empty() && domain != "other" && of_domain[domain] == 1) continue;  // in `domains`
    Group group{workload, scenario, {}, {}};
    for (const Task task : {Task::min_energy, Task::min_error}) {
      std::vector<const Cell*> of_group;
      for (const Cell& c : cells)
        if (c.task == task && c.failed.empty() && (workload.empty() || c.workload == workload) &&
            (scenario.empty() || c.scenario == scenario))
          of_group.push_back(&c);
      if (of_group.size() < 2) continue;
      auto& totals = task == Task::min_energy ? group.min_energy : group.min_error;
      for (size_t i = 0; i < schedulers.size(); ++i) totals.push_back(totals_of(of_group, *this, i));
    }
    if (!group.min_energy.empty() || !group.min_error.empty()) groups.push_back(std::move(group));
  }
}

ordered_json EvaluationResult::to_json() const {
  ordered_json settings = ordered_json::object();
  for (const auto& [name, text] : scheduler_settings) settings[name] = ordered_json::parse(text);
  ordered_json j = {
      {"schema_version", evaluation_schema_version},
      {"kind", "evaluation"},
      {"schedulers", schedulers},
      {"scheduler_settings", settings},
      {"scheduler_info", traits_json(traits)},
      {"bootstrap",
       {{"seed", bootstrap.seed}, {"resamples", bootstrap.resamples}, {"confidence", bootstrap.confidence}}},
      {"overall", ordered_json::object()},
      {"groups", ordered_json::array()},
      {"cells", ordered_json::array()}};
  for (const Domain& d : domains) {
    ordered_json& domain = j["overall"][d.name];
    domain = {{"min_energy", alertbench::to_json(d.min_energy, schedulers)},
              {"min_error", alertbench::to_json(d.min_error, schedulers)}};
    if (!d.workloads.empty()) domain["workloads"] = d.workloads;
  }
  for (const Group& g : groups)
    j["groups"].push_back({{"workload", g.workload.empty() ? ordered_json() : ordered_json(g.workload)},
                           {"scenario", g.scenario.empty() ? ordered_json() : ordered_json(g.scenario)},
                           {"min_energy", alertbench::to_json(g.min_energy, schedulers)},
                           {"min_error", alertbench::to_json(g.min_error, schedulers)}});
  for (const Cell& c : cells) j["cells"].push_back(alertbench::to_json(c, schedulers));
  return j;
}

EvaluationResult EvaluationResult::from_json(const nlohmann::json& j, const std::string& where) {
  JsonReader reader(j, where);
  reader.version(evaluation_schema_version,
                 "evaluate the recordings again: alert-bench replay RECORDING --grid");
  reader.one_of("kind", "", {"evaluation"});
  EvaluationResult e;
  e.schedulers = reader.texts("schedulers");
  if (e.schedulers.empty())
    reader.fail("schedulers", "is empty; an evaluation must have at least one scheduler");
  const nlohmann::json& settings = reader.raw("scheduler_settings");
  for (const std::string& name : e.schedulers)
    if (settings.contains(name)) e.scheduler_settings.emplace_back(name, settings[name].dump());
  e.traits = read_scheduler_traits(reader);
  JsonReader bootstrap = reader.object("bootstrap");
  e.bootstrap.seed = bootstrap.seed("seed", 1);
  e.bootstrap.resamples = bootstrap.integer("resamples", 1, most_settings);
  e.bootstrap.confidence = bootstrap.number("confidence", 0, 1);
  bootstrap.finish();
  reader.raw("overall");  // computed again, as groups are
  reader.contains("groups");
  for (JsonReader& c : reader.objects("cells")) e.cells.push_back(read_cell(std::move(c), e.schedulers));
  reader.finish();
  for (size_t i = 0; i < e.cells.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (e.cells[i].id == e.cells[k].id)
        reader.fail("cells", fmt::format("duplicate cell \"{}\"", e.cells[i].id));
  e.total();
  return e;
}

namespace {

// The text of an object whose last member is an empty list, with the items of that list, one on each line.
std::string with_last_list(const std::string& text, const std::vector<std::string>& items) {
  const size_t at = text.rfind("[]");
  return fmt::format("{}[\n{}]{}", text.substr(0, at), fmt::join(items, ",\n"), text.substr(at + 2));
}

}  // namespace

EvaluationResult EvaluationResult::read(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + "/evaluation.json" : path;
  return from_json(read_json_file(file), file);
}

void EvaluationResult::write(const std::string& folder) const {
  // A line for each goal setting: with a line for each value, large sweeps would be half as large again.
  ordered_json all = to_json();
  ordered_json items = ordered_json::array();
  items.swap(all["cells"]);
  std::vector<std::string> texts;
  for (ordered_json& cell : items) {
    std::vector<std::string> lines;
    for (const ordered_json& setting : cell["settings"]) lines.push_back(json_text(setting));
    cell["settings"] = ordered_json::array();
    texts.push_back(with_last_list(json_text(cell), lines));
  }
  write_file_atomically(folder + "/evaluation.json", with_last_list(json_text(all, 1), texts) + "\n");
}

}  // namespace alertbench
