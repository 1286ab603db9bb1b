#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/or_null.h"
#include "metrics/summary.h"
#include "report/evaluation_report.h"
#include "report/numbers.h"
#include "report/summary_report.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

struct Pairs {
  std::string cell;
  std::vector<double> a, b;  // mean objectives of the settings that count
};

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

// 0 against 0 is no difference; anything against 0 has no ratio.
std::optional<double> over(double b, double a) {
  if (a == 0) return b == 0 ? std::optional<double>(1) : std::nullopt;
  return b / a;
}

template <class RatioOf>
std::optional<double> joined(const std::vector<Pairs>& cells, const RatioOf& ratio_of) {
  double sum = 0;
  for (const Pairs& cell : cells) {
    const std::optional<double> ratio = ratio_of(cell);
    if (!ratio) return {};
    sum += 1 / *ratio;
  }
  if (cells.empty()) return {};
  return static_cast<double>(cells.size()) / sum;
}

// Draws pairs of settings within each cell.
std::optional<Interval> interval_of(const std::vector<Pairs>& cells, const BootstrapSettings& settings) {
  size_t n = 0;
  for (const Pairs& cell : cells) n += cell.a.size();
  if (n < 2) return {};
  return bootstrap(settings, Undefined::no_interval, [&](Random& random) {
    return joined(cells, [&](const Pairs& cell) {
      double a = 0, b = 0;
      for (size_t k = 0; k < cell.a.size(); ++k) {
        const size_t drawn = random.below(cell.a.size());
        a += cell.a[drawn];
        b += cell.b[drawn];
      }
      return over(b, a);
    });
  });
}

void judge(SchedulerComparison& s, double tolerance) {
  if (s.ratio && std::abs(*s.ratio - 1) > tolerance)
    s.outside.push_back(fmt::format("mean objective B / A {:.4f} over {} setting{}", *s.ratio, s.counted,
                                    s.counted == 1 ? "" : "s"));
  const auto shares = [&](const char* what, const std::optional<double>& a, const std::optional<double>& b) {
    if (a && b && std::abs(*b - *a) > tolerance)
      s.outside.push_back(fmt::format("{} {:.2f} % in A, {:.2f} % in B", what, 100 * *a, 100 * *b));
  };
  shares("violated settings", s.violated_a, s.violated_b);
  shares("satisfaction", s.satisfaction_a, s.satisfaction_b);
}

// Names in `a` that `b` has not, and the other way round.
void list_differences(Comparison& c, const std::string& prefix, const std::set<std::string>& a,
                      const std::set<std::string>& b) {
  for (const std::string& name : a)
    if (!b.count(name)) c.only_a.push_back(prefix + name);
  for (const std::string& name : b)
    if (!a.count(name)) c.only_b.push_back(prefix + name);
}

// ---- evaluations

struct CellPair {
  const Cell *a, *b;
  std::vector<std::pair<const Setting*, const Setting*>> settings;
};

std::map<std::string, const Setting*> by_name(const Cell& cell, const std::string& where) {
  std::map<std::string, const Setting*> settings;
  for (const Setting& s : cell.settings)
    if (!settings.emplace(s.goals.name, &s).second)
      throw InputError(fmt::format("{}: cells: {}: duplicate setting \"{}\"; pairing requires unique names",
                                   where, cell.id, s.goals.name));
  return settings;
}

template <class Key, class Value>
std::set<Key> keys_of(const std::map<Key, Value>& map) {
  std::set<Key> keys;
  for (const auto& [key, value] : map) keys.insert(key);
  return keys;
}

std::vector<CellPair> pair_cells(Comparison& c, const ResultFile& a, const ResultFile& b) {
  std::map<std::string, const Cell*> cells_a, cells_b;
  for (const Cell& cell : a.evaluation->cells) cells_a[cell.id] = &cell;
  for (const Cell& cell : b.evaluation->cells) cells_b[cell.id] = &cell;
  list_differences(c, "cell ", keys_of(cells_a), keys_of(cells_b));
  std::vector<CellPair> pairs;
  for (const auto& [id, own] : cells_a) {
    const auto at = cells_b.find(id);
    if (at == cells_b.end()) continue;
    const Cell* other = at->second;
    if (!own->failed.empty() || !other->failed.empty()) {
      if (own->failed.empty())
        c.only_a.push_back(fmt::format("cell {} (failed in B: {})", id, other->failed));
      if (other->failed.empty())
        c.only_b.push_back(fmt::format("cell {} (failed in A: {})", id, own->failed));
      if (!own->failed.empty() && !other->failed.empty())
        c.notes.push_back(fmt::format("cell {} failed in both", id));
      continue;
    }
    const auto settings_a = by_name(*own, a.path), settings_b = by_name(*other, b.path);
    list_differences(c, fmt::format("{}, setting ", id), keys_of(settings_a), keys_of(settings_b));
    CellPair pair{own, other, {}};
    for (const auto& [name, setting] : settings_a)
      if (const auto same = settings_b.find(name); same != settings_b.end())
        pair.settings.emplace_back(setting, same->second);
    if (!pair.settings.empty()) pairs.push_back(std::move(pair));
  }
  return pairs;
}

void note_differences(Comparison& c, const std::vector<CellPair>& cells) {
  double feasible_a = 0, feasible_b = 0, settings = 0;
  for (const CellPair& cell : cells) {
    const auto source = [&](const char* what, std::string Cell::*which) {
      if (cell.a->*which != cell.b->*which)
        c.notes.push_back(fmt::format("{}: {} from {} in A, from {} in B", cell.a->id, what, cell.a->*which,
                                      cell.b->*which));
    };
    source("energy", &Cell::energy_source);
    source("accuracy", &Cell::accuracy_source);
    if (cell.a->judge != cell.b->judge)
      c.outside.push_back(fmt::format("{}: goals are judged \"{}\" in A, \"{}\" in B", cell.a->id,
                                      to_string(cell.a->judge), to_string(cell.b->judge)));
    double farthest = 0;
    for (const auto& [a, b] : cell.settings) {
      ++settings;
      feasible_a += a->feasible;
      feasible_b += b->feasible;
      if (a->feasible != b->feasible)
        c.notes.push_back(fmt::format("{}, setting {}: feasible in {} only", cell.a->id, a->goals.name,
                                      a->feasible ? "A" : "B"));
      if (const auto ratio = over(b->goals.deadline_s, a->goals.deadline_s))
        if (std::abs(*ratio - 1) > std::abs(farthest)) farthest = *ratio - 1;
    }
    if (std::abs(farthest) > c.tolerance)
      c.notes.push_back(
          fmt::format("{}: deadlines of B differ from those of A under the same name, by up to {:+.1f} %",
                      cell.a->id, 100 * farthest));
  }
  if (std::abs(feasible_b - feasible_a) > c.tolerance * settings)
    c.outside.push_back(
        fmt::format("feasible settings: {:g} in A, {:g} in B, of {:g}", feasible_a, feasible_b, settings));
}

SchedulerComparison compare_scheduler(Comparison& c, const std::vector<CellPair>& cells, Task task,
                                      const std::string& name, size_t in_a, size_t in_b,
                                      const BootstrapSettings& settings) {
  SchedulerComparison s;
  s.group = to_string(task);
  s.scheduler = name;
  std::vector<Pairs> pairs;
  std::vector<double> violated_a, violated_b, satisfaction_a, satisfaction_b, strict_a,
      strict_b;  // one a cell
  for (const CellPair& cell : cells) {
    if (cell.a->task != task) continue;
    Pairs own{cell.a->id, {}, {}};
    std::vector<double> va, vb, sa, sb, xa, xb;
    for (const auto& [setting_a, setting_b] : cell.settings) {
      if (!setting_a->feasible || !setting_b->feasible) continue;
      const SettingResult &a = setting_a->results[in_a], &b = setting_b->results[in_b];
      ++s.settings;
      va.push_back(a.violated);
      vb.push_back(b.violated);
      sa.push_back(a.verdict.satisfaction);
      sb.push_back(b.verdict.satisfaction);
      xa.push_back(a.verdict.violated_strict);
      xb.push_back(b.verdict.violated_strict);
      if (a.violated || b.violated) continue;
      const auto objective_of = [&](const SettingResult& r) {
        return task == Task::min_energy ? r.verdict.mean_energy_j : std::optional<double>(r.mean_error());
      };
      const auto objective_a = objective_of(a), objective_b = objective_of(b);
      if (objective_a.has_value() != objective_b.has_value())
        c.notes.push_back(fmt::format("{}, setting {}, {}: energy is known in {} only", cell.a->id,
                                      setting_a->goals.name, name, objective_a ? "A" : "B"));
      if (!objective_a || !objective_b) continue;
      ++s.counted;
      own.a.push_back(*objective_a);
      own.b.push_back(*objective_b);
    }
    if (!va.empty()) {
      violated_a.push_back(*mean_of(va));
      violated_b.push_back(*mean_of(vb));
      satisfaction_a.push_back(*mean_of(sa));
      satisfaction_b.push_back(*mean_of(sb));
      strict_a.push_back(*mean_of(xa));
      strict_b.push_back(*mean_of(xb));
    }
    if (!own.a.empty()) pairs.push_back(std::move(own));
  }
  s.violated_a = mean_of(violated_a);
  s.violated_b = mean_of(violated_b);
  s.satisfaction_a = mean_of(satisfaction_a);
  s.satisfaction_b = mean_of(satisfaction_b);
  s.violated_strict_a = mean_of(strict_a);
  s.violated_strict_b = mean_of(strict_b);
  for (const Pairs& p : pairs) {
    const auto ratio = over(sum_of(p.b), sum_of(p.a));
    if (!ratio)
      s.outside.push_back(fmt::format("{}: mean objective 0 in A, {:g} in B", p.cell,
                                      sum_of(p.b) / static_cast<double>(p.b.size())));
    else if (!s.farthest_ratio || std::abs(*ratio - 1) > std::abs(*s.farthest_ratio - 1)) {
      s.farthest_cell = p.cell;
      s.farthest_ratio = ratio;
    }
  }
  s.ratio = joined(pairs, [](const Pairs& p) { return over(sum_of(p.b), sum_of(p.a)); });
  if (s.ratio) s.interval = interval_of(pairs, settings);
  return s;
}

void compare_evaluations(Comparison& c, const ResultFile& a, const ResultFile& b) {
  const EvaluationResult &left = *a.evaluation, &right = *b.evaluation;
  const std::vector<CellPair> cells = pair_cells(c, a, b);
  list_differences(c, "scheduler ", {left.schedulers.begin(), left.schedulers.end()},
                   {right.schedulers.begin(), right.schedulers.end()});
  note_differences(c, cells);
  for (const Task task : {Task::min_energy, Task::min_error})
    for (const size_t i : scheduler_order(left.schedulers)) {
      const int j = right.scheduler_index(left.schedulers[i]);
      if (j < 0 ||
          std::none_of(cells.begin(), cells.end(), [&](const CellPair& p) { return p.a->task == task; }))
        continue;
      c.schedulers.push_back(
          compare_scheduler(c, cells, task, left.schedulers[i], i, static_cast<size_t>(j), left.bootstrap));
    }
}

// ---- summaries

using SummaryKey = std::string;

// In the order of the file.
std::vector<std::pair<SummaryKey, Summary>> summaries_of(const ResultFile& file) {
  JsonReader r(file.summary, file.path);
  r.version(summary_schema_version, summary_remedy);
  std::vector<std::pair<SummaryKey, Summary>> all;
  for (const JsonReader& item : r.objects("results")) {
    Summary s = Summary::read(item);
    const SummaryKey key = fmt::format("{} ({}), {}, {}", s.setting, to_string(s.task), s.mode, s.scheduler);
    for (const auto& [other, summary] : all)
      if (other == key)
        r.fail("results", fmt::format("duplicate result \"{}\"; pairing requires unique names", key));
    all.emplace_back(key, std::move(s));
  }
  return all;
}

// Ratio of two independent means, each with its interval: half-widths of their logarithms add in quadrature.
std::optional<Interval> interval_of_ratio(const Summary& a, const Summary& b) {
  if (!a.objective_interval || !b.objective_interval) return {};
  const Interval &of_a = *a.objective_interval, &of_b = *b.objective_interval;
  if (!(of_a.low > 0 && of_b.low > 0 && *a.objective() > 0 && *b.objective() > 0)) return {};
  const double ratio = *b.objective() / *a.objective();
  const double down = std::hypot(std::log(*b.objective() / of_b.low), std::log(of_a.high / *a.objective()));
  const double up = std::hypot(std::log(of_b.high / *b.objective()), std::log(*a.objective() / of_a.low));
  return Interval{ratio * std::exp(-down), ratio * std::exp(up)};
}

void compare_summaries(Comparison& c, const ResultFile& a, const ResultFile& b) {
  const auto left = summaries_of(a), right = summaries_of(b);
  std::map<SummaryKey, const Summary*> in_a, in_b;
  for (const auto& [key, s] : left) in_a[key] = &s;
  for (const auto& [key, s] : right) in_b[key] = &s;
  list_differences(c, "", keys_of(in_a), keys_of(in_b));
  for (const char* key : {"energy_source", "accuracy_source", "workload", "scenario"}) {
    JsonReader ra(a.summary, a.path), rb(b.summary, b.path);
    if (ra.text(key) != rb.text(key))
      c.notes.push_back(fmt::format("{}: {} in A, {} in B", key, ra.text(key), rb.text(key)));
  }
  for (const auto& [key, own] : left) {
    const auto at = in_b.find(key);
    if (at == in_b.end()) continue;
    const Summary& other = *at->second;
    SchedulerComparison s;
    s.group = fmt::format("{} ({}), {}", own.setting, to_string(own.task), own.mode);
    s.scheduler = own.scheduler;
    s.settings = 1;
    if (own.judge != other.judge)
      s.outside.push_back(fmt::format("goals are judged \"{}\" in A, \"{}\" in B", to_string(own.judge),
                                      to_string(other.judge)));
    s.violated_a = own.violated;
    s.violated_b = other.violated;
    s.satisfaction_a = own.satisfaction;
    s.satisfaction_b = other.satisfaction;
    s.violated_strict_a = own.violated_strict;
    s.violated_strict_b = other.violated_strict;
    if (!own.violated && !other.violated && own.objective() && other.objective()) {
      s.counted = 1;
      s.ratio = over(*other.objective(), *own.objective());
      if (s.ratio)
        s.interval = interval_of_ratio(own, other);
      else
        s.outside.push_back(fmt::format("mean objective 0 in A, {:g} in B", *other.objective()));
    }
    c.schedulers.push_back(std::move(s));
  }
}

}  // namespace

Comparison compare(const ResultFile& a, const ResultFile& b, double tolerance) {
  if (!(tolerance >= 0 && tolerance <= 1))
    throw InputError(
        fmt::format("--tolerance: {} is outside 0 to 1; use a share, e.g. {}", tolerance, default_tolerance));
  if (a.evaluation.has_value() != b.evaluation.has_value())
    throw InputError(fmt::format("{} is {}, {} is {}: compare two results of the same kind", a.path,
                                 a.evaluation ? "an evaluation" : "a summary", b.path,
                                 b.evaluation ? "an evaluation" : "a summary"));
  Comparison c;
  c.a = a.path;
  c.b = b.path;
  c.tolerance = tolerance;
  if (a.evaluation)
    compare_evaluations(c, a, b);
  else
    compare_summaries(c, a, b);
  if (c.schedulers.empty())
    throw InputError(fmt::format(
        "{} and {} have no cell, setting and scheduler in common; nothing can be compared", a.path, b.path));
  for (SchedulerComparison& s : c.schedulers) {
    judge(s, tolerance);
    for (const std::string& what : s.outside)
      c.outside.push_back(fmt::format("{}, {}: {}", s.group, s.scheduler, what));
  }
  return c;
}

Document Comparison::report() const {
  Document d;
  d.title = fmt::format("Comparison, tolerance {:g} %", 100 * tolerance);
  d.facts = {"A: " + a, "B: " + b};
  Table* table = nullptr;
  for (const SchedulerComparison& s : schedulers) {
    if (!table || table->title != s.group) {
      d.tables.push_back({s.group,
                          {{"", true},
                           {"settings"},
                           {"counted"},
                           {"objective B / A"},
                           {"viol. % A"},
                           {"viol. % B"},
                           {"strict viol. % A"},
                           {"strict viol. % B"},
                           {"satisf. % A"},
                           {"satisf. % B"},
                           {"farthest cell", true},
                           {"", true}},
                          {}});
      table = &d.tables.back();
    }
    table->rows.push_back(
        {s.scheduler, fmt::format("{}", s.settings), fmt::format("{}", s.counted),
         with_interval(s.ratio, s.interval, 4), rounded(s.violated_a, 1, 100), rounded(s.violated_b, 1, 100),
         rounded(s.violated_strict_a, 1, 100), rounded(s.violated_strict_b, 1, 100),
         rounded(s.satisfaction_a, 2, 100), rounded(s.satisfaction_b, 2, 100),
         s.farthest_ratio ? fmt::format("{} ({:.4f})", s.farthest_cell, *s.farthest_ratio) : "",
         s.outside.empty() ? "within" : "OUTSIDE"});
  }
  add_list(d, "Only in A", only_a);
  add_list(d, "Only in B", only_b);
  add_list(d, "Other differences (not judged)", notes);
  add_list(d, "Outside the tolerance", outside);
  d.notes.push_back(outside.empty() ? "Within the tolerance."
                                    : fmt::format("Outside the tolerance: {} value{}.", outside.size(),
                                                  outside.size() == 1 ? "" : "s"));
  return d;
}

ordered_json Comparison::to_json() const {
  ordered_json j = {{"a", a}, {"b", b}, {"tolerance", tolerance}, {"within", outside.empty()}};
  j["schedulers"] = ordered_json::array();
  for (const SchedulerComparison& s : schedulers)
    j["schedulers"].push_back(
        {{"group", s.group},
         {"scheduler", s.scheduler},
         {"settings", s.settings},
         {"counted", s.counted},
         {"ratio", or_null(s.ratio)},
         {"low", s.interval ? ordered_json(s.interval->low) : ordered_json(nullptr)},
         {"high", s.interval ? ordered_json(s.interval->high) : ordered_json(nullptr)},
         {"violated_a", or_null(s.violated_a)},
         {"violated_b", or_null(s.violated_b)},
         {"violated_strict_a", or_null(s.violated_strict_a)},
         {"violated_strict_b", or_null(s.violated_strict_b)},
         {"satisfaction_a", or_null(s.satisfaction_a)},
         {"satisfaction_b", or_null(s.satisfaction_b)},
         {"farthest_cell", s.farthest_ratio ? ordered_json(s.farthest_cell) : ordered_json(nullptr)},
         {"farthest_ratio", or_null(s.farthest_ratio)},
         {"outside", s.outside}});
  j["only_in_a"] = only_a;
  j["only_in_b"] = only_b;
  j["notes"] = notes;
  j["outside"] = outside;
  return j;
}

}  // namespace alertbench
