#include "evaluation/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/json_reader.h"
#include "core/random.h"
#include "trace/atomic_file.h"

namespace alertbench {

using nlohmann::ordered_json;

namespace {

constexpr double any_number = 1e300;
constexpr int most_settings = 1000000;

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

// ---- totals

// What a total is taken of: one value a setting, where it counts.
using Pick = std::optional<double> (*)(const Setting&, const SettingResult&);

std::optional<double> violated_of(const Setting& s, const SettingResult& r) {
  if (!s.feasible) return {};
  return r.violated ? 1.0 : 0.0;
}
std::optional<double> satisfaction_of(const Setting& s, const SettingResult& r) {
  if (!s.feasible) return {};
  return r.satisfaction;
}
std::optional<double> normalised_of(const Setting&, const SettingResult& r) { return r.normalised; }
std::optional<double> over_oracle_of(const Setting&, const SettingResult& r) { return r.over_oracle; }
std::optional<double> over_causal_of(const Setting&, const SettingResult& r) { return r.over_oracle_causal; }

enum class Join { mean, harmonic };

// `groups`: the values of each cell. Their means, joined over the groups that have any.
Estimate estimate(const std::vector<std::vector<double>>& groups, Join join, const BootstrapSettings& bootstrap) {
  Estimate e;
  for (const auto& g : groups) e.settings += static_cast<int>(g.size());
  const auto joined = [&](const auto& mean_of_group) {
    double sum = 0;
    for (const auto& g : groups) {
      const double mean = mean_of_group(g);
      sum += join == Join::harmonic ? 1 / mean : mean;
    }
    const auto n = static_cast<double>(groups.size());
    return join == Join::harmonic ? n / sum : sum / n;
  };
  e.value = joined([](const std::vector<double>& g) {
    double sum = 0;
    for (const double v : g) sum += v;
    return sum / static_cast<double>(g.size());
  });
  if (e.settings < 2) return e;
  Random random(bootstrap.seed);
  std::vector<double> resampled;
  for (int r = 0; r < bootstrap.resamples; ++r)
    resampled.push_back(joined([&](const std::vector<double>& g) {
      double sum = 0;
      for (size_t k = 0; k < g.size(); ++k) sum += g[random.below(g.size())];
      return sum / static_cast<double>(g.size());
    }));
  const double tail = 0.5 * (1 - bootstrap.confidence);
  const auto low = quantile(resampled, tail), high = quantile(resampled, 1 - tail);
  if (low && high) e.interval = Interval{*low, *high};
  return e;
}

Totals totals_of(const std::vector<const Cell*>& cells, size_t scheduler, const BootstrapSettings& bootstrap) {
  const auto collect = [&](Pick pick, Join join) -> std::optional<Estimate> {
    std::vector<std::vector<double>> groups;
    for (const Cell* cell : cells) {
      std::vector<double> values;
      for (const Setting& s : cell->settings)
        if (const auto v = pick(s, s.results[scheduler])) values.push_back(*v);
      if (!values.empty()) groups.push_back(std::move(values));
    }
    if (groups.empty()) return {};
    return estimate(groups, join, bootstrap);
  };
  Totals t;
  for (const Cell* cell : cells)
    for (const Setting& s : cell->settings) {
      t.feasible += s.feasible;
      t.violated += s.feasible && s.results[scheduler].violated;
    }
  t.violation_rate = collect(violated_of, Join::mean);
  t.satisfaction = collect(satisfaction_of, Join::mean);
  t.normalised = collect(normalised_of, Join::harmonic);
  t.over_oracle = collect(over_oracle_of, Join::harmonic);
  t.over_oracle_causal = collect(over_causal_of, Join::harmonic);
  return t;
}

// ---- JSON

ordered_json to_json(const std::optional<Estimate>& e) {
  if (!e) return nullptr;
  return {{"value", e->value},
          {"low", e->interval ? ordered_json(e->interval->low) : ordered_json(nullptr)},
          {"high", e->interval ? ordered_json(e->interval->high) : ordered_json(nullptr)},
          {"settings", e->settings}};
}

ordered_json to_json(const std::vector<Totals>& totals, const std::vector<std::string>& schedulers) {
  ordered_json all = ordered_json::object();
  for (size_t i = 0; i < totals.size(); ++i) {
    const Totals& t = totals[i];
    all[schedulers[i]] = {{"feasible_settings", t.feasible},
                          {"violated_settings", t.violated},
                          {"violation_rate", to_json(t.violation_rate)},
                          {"satisfaction", to_json(t.satisfaction)},
                          {"normalised", to_json(t.normalised)},
                          {"over_oracle", to_json(t.over_oracle)},
                          {"over_oracle_causal", to_json(t.over_oracle_causal)}};
  }
  return all;
}

ordered_json to_json(const SettingResult& r) {
  return {{"inputs", r.inputs},
          {"violated", r.violated},
          {"satisfaction", r.satisfaction},
          {"violations_deadline", r.violations_deadline},
          {"violations_accuracy", or_null(r.violations_accuracy)},
          {"violations_energy", or_null(r.violations_energy)},
          {"mean_energy_j", or_null(r.mean_energy_j)},
          {"mean_error", r.mean_error},
          {"measured_error", or_null(r.measured_error)},
          {"normalised", or_null(r.normalised)},
          {"over_oracle", or_null(r.over_oracle)},
          {"over_oracle_causal", or_null(r.over_oracle_causal)}};
}

SettingResult read_result(JsonReader reader) {
  SettingResult r;
  r.inputs = reader.integer("inputs", 0, std::numeric_limits<int>::max());
  r.violated = reader.boolean("violated", false);
  r.satisfaction = reader.number("satisfaction", 0, 1);
  r.violations_deadline = reader.number("violations_deadline", 0, 1);
  r.violations_accuracy = reader.optional_number("violations_accuracy", 0, 1);
  r.violations_energy = reader.optional_number("violations_energy", 0, 1);
  r.mean_energy_j = reader.optional_number("mean_energy_j", 0, any_number);
  r.mean_error = reader.number("mean_error", 0, 1);
  r.measured_error = reader.optional_number("measured_error", 0, 1e300);
  r.normalised = reader.optional_number("normalised", 0, any_number);
  r.over_oracle = reader.optional_number("over_oracle", 0, any_number);
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
                    {"results", ordered_json::object()}};
  for (size_t i = 0; i < schedulers.size(); ++i) j["results"][schedulers[i]] = to_json(s.results[i]);
  return j;
}

Setting read_setting(JsonReader reader, Task task, const std::vector<std::string>& schedulers) {
  Setting s;
  s.goals.name = reader.text("name");
  s.goals.task = task;
  s.goals.deadline_s = reader.number("deadline_s", 0, any_number);
  s.deadline_x = reader.optional_number("deadline_x", 0, any_number);
  s.goals.accuracy = reader.optional_number("accuracy", 0, 1);
  s.power_limit_w = reader.optional_number("power_limit_w", 0, any_number);
  s.goals.energy_j = reader.optional_number("energy_j", 0, any_number);
  s.feasible = reader.boolean("feasible", true);
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
  c.task = reader.one_of("task", "", {"min_energy", "min_error"}) == "min_error" ? Task::min_error : Task::min_energy;
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
  reader.raw("schedulers");  // computed anew
  for (JsonReader& s : reader.objects("settings")) c.settings.push_back(read_setting(std::move(s), c.task, schedulers));
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
      for (size_t i = 0; i < schedulers.size(); ++i) c.totals.push_back(totals_of({&c}, i, bootstrap));
  }
  for (const Task task : {Task::min_energy, Task::min_error}) {
    std::vector<const Cell*> of_task;
    for (const Cell& c : cells)
      if (c.task == task && c.failed.empty()) of_task.push_back(&c);
    std::vector<Totals>& all = task == Task::min_energy ? min_energy : min_error;
    all.clear();
    if (!of_task.empty())
      for (size_t i = 0; i < schedulers.size(); ++i) all.push_back(totals_of(of_task, i, bootstrap));
  }
}

ordered_json EvaluationResult::to_json() const {
  ordered_json settings = ordered_json::object();
  for (const auto& [name, text] : scheduler_settings) settings[name] = ordered_json::parse(text);
  ordered_json j = {{"schema_version", evaluation_schema_version},
                    {"kind", "evaluation"},
                    {"schedulers", schedulers},
                    {"scheduler_settings", settings},
                    {"bootstrap",
                     {{"seed", bootstrap.seed}, {"resamples", bootstrap.resamples}, {"confidence", bootstrap.confidence}}},
                    {"overall",
                     {{"min_energy", alertbench::to_json(min_energy, schedulers)},
                      {"min_error", alertbench::to_json(min_error, schedulers)}}},
                    {"cells", ordered_json::array()}};
  for (const Cell& c : cells) j["cells"].push_back(alertbench::to_json(c, schedulers));
  return j;
}

EvaluationResult EvaluationResult::from_json(const nlohmann::json& j, const std::string& where) {
  JsonReader reader(j, where);
  if (const auto version = reader.text("schema_version"); version != evaluation_schema_version)
    reader.fail("schema_version", fmt::format("\"{}\" is not known; this program reads {}", version, evaluation_schema_version));
  reader.one_of("kind", "", {"evaluation"});
  EvaluationResult e;
  e.schedulers = reader.texts("schedulers");
  if (e.schedulers.empty()) reader.fail("schedulers", "is empty; an evaluation has at least one");
  const nlohmann::json& settings = reader.raw("scheduler_settings");
  for (const std::string& name : e.schedulers)
    if (settings.contains(name)) e.scheduler_settings.emplace_back(name, settings[name].dump());
  JsonReader bootstrap = reader.object("bootstrap");
  e.bootstrap.seed = bootstrap.seed("seed", 1);
  e.bootstrap.resamples = bootstrap.integer("resamples", 1, most_settings);
  e.bootstrap.confidence = bootstrap.number("confidence", 0, 1);
  bootstrap.finish();
  reader.raw("overall");  // computed anew
  for (JsonReader& c : reader.objects("cells")) e.cells.push_back(read_cell(std::move(c), e.schedulers));
  reader.finish();
  for (size_t i = 0; i < e.cells.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (e.cells[i].id == e.cells[k].id) reader.fail("cells", fmt::format("\"{}\" is there twice", e.cells[i].id));
  e.total();
  return e;
}

EvaluationResult EvaluationResult::read(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + "/evaluation.json" : path;
  return from_json(read_json_file(file), file);
}

void EvaluationResult::write(const std::string& folder) const {
  write_file_atomically(folder + "/evaluation.json", to_json().dump(1) + "\n");
}

}  // namespace alertbench
