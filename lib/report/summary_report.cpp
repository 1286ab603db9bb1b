#include "report/summary_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "core/profile.h"
#include "metrics/scheduler_traits.h"
#include "metrics/summary.h"
#include "report/numbers.h"

namespace alertbench {
namespace {

constexpr const char* summary_meaning =
    "violated: the setting, as its goals are judged: more than 10 % of the inputs (sentences) late, or the "
    "mean accuracy or energy "
    "beyond its goal by more than the tolerance (exact: only without the tolerance); strict: more than 10 % "
    "of "
    "the inputs break a goal on their own, which viol. %, acc. % and energ % count. late %: inputs "
    "(sentences) late. short by: how far "
    "the mean is beyond its "
    "goal, accuracy in points, energy in %. error %: by the profile; meas. %: measured on these inputs ({}; "
    "perpl.: perplexity of words). energy or error / oracle-static: mean over the inputs, 95 % "
    "block-bootstrap interval; in replay, schedulers are not charged for their decisions.";

std::string short_by(const Summary& s) {
  const auto& missed = s.task == Task::min_energy ? s.shortfall.accuracy : s.shortfall.energy;
  return missed && *missed > 0 ? rounded(missed, 2, 100) : "";
}

// What errors are, in the unit of the profile.
const char* error_meaning(AccuracyUnit unit) {
  switch (unit) {
    case AccuracyUnit::top1:
      return "1 - top-1";
    case AccuracyUnit::f1:
      return "1 - F1";
    case AccuracyUnit::language_quality:
      return "1 - language quality = NLL / NLL of guessing words by frequency; next %: next words predicted "
             "correctly";
  }
  return "";
}

std::optional<double> measured_error(const Summary& s, AccuracyUnit unit) {
  const auto accuracy = unit == AccuracyUnit::language_quality ? s.language_quality
                        : unit == AccuracyUnit::f1             ? s.f1
                                                               : s.top1;
  if (!accuracy) return {};
  return 1 - *accuracy;
}

// "YES*" if no goal is broken that the scheduler promises. A summary does not know the tolerance of its
// goals: a mean that is short by less is taken as broken.
std::string verdict_word(const Summary& s, Judge judge, const SchedulerTraitsByName& traits) {
  if (s.inputs == 0) return "";
  const bool mean = judge == Judge::mean;
  if (mean ? !s.violated_mean : !s.violated_strict)
    return mean && s.violated_exact && s.judge == Judge::mean ? "exact" : "no";
  BrokenGoals broken;
  broken.deadline = s.late_share.value_or(0) > allowed_share;
  broken.other =
      mean ? s.shortfall.accuracy.value_or(0) > 0 || s.shortfall.energy.value_or(0) > 0
           : std::max(s.violations_accuracy.value_or(0), s.violations_energy.value_or(0)) > allowed_share;
  return kept_its_promises(traits, s.scheduler, s.task, broken) ? "YES*" : "YES";
}

Table table_of(const std::string& title, const std::vector<Summary>& rows, AccuracyUnit unit,
               const SchedulerTraitsByName& traits) {
  const bool energy = rows.front().task == Task::min_energy;
  const bool words =
      std::any_of(rows.begin(), rows.end(), [](const Summary& s) { return s.perplexity.has_value(); });
  const bool quality = unit == AccuracyUnit::language_quality;
  Table table{title,
              {{"", true},
               {"violated", true},
               {"short by"},
               {"late %"},
               {"strict", true},
               {"viol. %"},
               {"acc. %"},
               {"energ %"},
               {"energy J"},
               {"error %"},
               {"meas. %"}},
              {}};
  if (words) table.columns.push_back({"perpl."});
  if (quality) table.columns.push_back({"next %"});
  for (const char* name :
       {energy ? "energy / oracle-static" : "error / oracle-static", "lat. ms", "p99 ms", "dec. us"})
    table.columns.push_back({name});
  table.columns.push_back({"most used", true});
  for (const Summary& s : rows) {
    std::vector<std::string> row = {s.scheduler,
                                    verdict_word(s, s.judge, traits),
                                    short_by(s),
                                    rounded(s.late_share, 1, 100),
                                    verdict_word(s, Judge::strict, traits),
                                    rounded(s.violations_any, 1, 100),
                                    rounded(s.violations_accuracy, 1, 100),
                                    rounded(s.violations_energy, 1, 100),
                                    rounded(s.mean_energy_j, 3),
                                    rounded(s.mean_error, 2, 100),
                                    rounded(measured_error(s, unit), 2, 100)};
    if (words) row.push_back(rounded(s.perplexity, 1));
    if (quality) row.push_back(rounded(s.top1, 2, 100));
    row.push_back(with_interval(s.normalised, s.normalised_interval, 3));
    row.push_back(rounded(s.latency_s.median, 2, 1e3));
    row.push_back(rounded(s.latency_s.p99, 2, 1e3));
    row.push_back(rounded(s.decide_s.median, 2, 1e6));
    row.emplace_back();
    if (!s.configurations.empty()) {
      const Usage& u = s.configurations.front();
      row.back() = fmt::format("{} {:g} W ({:.0f} %)", u.configuration, u.cap_w, 100 * u.share);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table live_against_replay(std::vector<JsonReader> lines) {
  Table table{"Live versus replay (live / replay)",
              {{"", true}, {"setting", true}, {"median latency"}, {"energy"}, {"error"}, {"late"}},
              {}};
  for (JsonReader& line : lines) {
    const auto ratio = [&](const char* key) { return rounded(line.optional_number(key, 0, 1e9), 3); };
    const auto difference = line.optional_number("late_share_difference", -1, 1);
    table.rows.push_back({line.text("scheduler"), line.text("setting"), ratio("median_latency_ratio"),
                          ratio("energy_ratio"), ratio("error_ratio"),
                          difference ? fmt::format("{:+.1f} points", 100 * *difference) : ""});
  }
  return table;
}

Table values_of(const std::vector<Summary>& all, const std::string& energy_source,
                const std::string& accuracy_source) {
  Table values;
  for (const char* key : {"mode",
                          "setting",
                          "task",
                          "scheduler",
                          "inputs",
                          "groups",
                          "judge",
                          "violated",
                          "violated_exact",
                          "violated_strict",
                          "late_share",
                          "shortfall_accuracy",
                          "shortfall_energy",
                          "satisfaction",
                          "violations_any",
                          "violations_deadline",
                          "violations_accuracy",
                          "violations_energy",
                          "mean_energy_j",
                          "mean_error",
                          "objective_low",
                          "objective_high",
                          "top1",
                          "top5",
                          "f1",
                          "perplexity",
                          "language_quality",
                          "normalised",
                          "normalised_low",
                          "normalised_high",
                          "latency_median_s",
                          "latency_p99_s",
                          "decide_median_s",
                          "energy_source",
                          "accuracy_source"})
    values.columns.push_back({key});
  const auto end = [](const std::optional<Interval>& interval, double Interval::*which) {
    return interval ? fmt::format("{}", *interval.*which) : "";
  };
  for (const Summary& s : all)
    values.rows.push_back({s.mode,
                           s.setting,
                           to_string(s.task),
                           s.scheduler,
                           fmt::format("{}", s.inputs),
                           fmt::format("{}", s.groups),
                           to_string(s.judge),
                           fmt::format("{}", s.violated),
                           fmt::format("{}", s.violated_exact),
                           fmt::format("{}", s.violated_strict),
                           exact(s.late_share),
                           exact(s.shortfall.accuracy),
                           exact(s.shortfall.energy),
                           exact(s.satisfaction),
                           exact(s.violations_any),
                           exact(s.violations_deadline),
                           exact(s.violations_accuracy),
                           exact(s.violations_energy),
                           exact(s.mean_energy_j),
                           exact(s.mean_error),
                           end(s.objective_interval, &Interval::low),
                           end(s.objective_interval, &Interval::high),
                           exact(s.top1),
                           exact(s.top5),
                           exact(s.f1),
                           exact(s.perplexity),
                           exact(s.language_quality),
                           exact(s.normalised),
                           end(s.normalised_interval, &Interval::low),
                           end(s.normalised_interval, &Interval::high),
                           exact(s.latency_s.median),
                           exact(s.latency_s.p99),
                           exact(s.decide_s.median),
                           energy_source,
                           accuracy_source});
  return values;
}

// "a, b and c"
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

// Files of before scheduler_info are told by the registry.
bool is_bound(const std::string& scheduler, const SchedulerTraitsByName& traits) {
  const SchedulerTraitsByName known = traits.count(scheduler) ? traits : traits_of({scheduler});
  const auto at = known.find(scheduler);
  return at != known.end() && at->second.family == "bound";
}

// What a setting came to, in a sentence or two: who kept its goals, and at what price.
std::string in_words(const std::vector<Summary>& group, AccuracyUnit unit,
                     const SchedulerTraitsByName& traits) {
  const Task task = group.front().task;
  std::vector<const Summary*> kept;
  std::vector<std::string> broke, unmetered;
  std::optional<double> in_hindsight;
  for (const Summary& s : group) {
    if (is_bound(s.scheduler, traits)) {
      if (s.scheduler == "oracle-static" && !s.violated) in_hindsight = s.objective();
    } else if (s.violated) {
      broke.push_back(s.scheduler);
    } else if (s.objective()) {
      kept.push_back(&s);
    } else {
      unmetered.push_back(s.scheduler + " (energy not known)");
    }
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Summary* a, const Summary* b) { return *a->objective() < *b->objective(); });
  const auto amount = [&](double objective) {
    if (task == Task::min_energy) return fmt::format("{:.3g} J an input", objective);
    return unit == AccuracyUnit::language_quality
               ? fmt::format("{:.2f} % of the error of guessing", 100 * objective)
               : fmt::format("{:.2f} % of error", 100 * objective);
  };
  std::vector<std::string> words;
  for (const Summary* s : kept) {
    const double best = *kept.front()->objective(), over = best > 0 ? *s->objective() / best : 1;
    words.push_back(
        fmt::format("{} ({})", s->scheduler,
                    s == kept.front() ? amount(best) : fmt::format("{:.1f} % more", 100 * (over - 1))));
  }
  words.insert(words.end(), unmetered.begin(), unmetered.end());
  std::string text =
      fmt::format("In words, {} ({}, {}): ", group.front().setting,
                  task == Task::min_energy ? "least energy" : "least error", group.front().mode);
  text +=
      words.empty() ? "no scheduler kept the goals" : fmt::format("the goals were kept by {}", listed(words));
  if (!broke.empty())
    text += fmt::format("{} by {}", words.empty() ? ": they were broken" : ", and broken", listed(broke));
  text += ".";
  if (in_hindsight)
    text += fmt::format(" The best single configuration in hindsight came to {}.", amount(*in_hindsight));
  return text;
}

}  // namespace

Document summary_report(const nlohmann::json& summary, const std::string& where) {
  JsonReader r(summary, where);
  r.version(summary_schema_version, summary_remedy);
  const std::string energy_source = r.text("energy_source"), accuracy_source = r.text("accuracy_source");
  Document d;
  const std::string workload = r.text("workload");
  const AccuracyUnit unit = read_accuracy_unit(r, workload);
  d.title = fmt::format("Scenario {} on {}: energy from {}, accuracy from {}", r.text("scenario"), workload,
                        energy_source, accuracy_source);
  const SchedulerTraitsByName traits = read_scheduler_traits(r);
  std::vector<std::pair<std::string, std::string>> goals;
  for (JsonReader& g : r.objects("goals")) goals.emplace_back(g.text("name"), g.text("text"));
  std::vector<Summary> all, group;
  std::string heading;
  std::vector<std::string> words;
  const auto finish_group = [&] {
    if (!group.empty()) {
      d.tables.push_back(table_of(heading, group, unit, traits));
      words.push_back(in_words(group, unit, traits));
    }
    group.clear();
  };
  for (const JsonReader& item : r.objects("results")) {
    all.push_back(Summary::read(item));
    const Summary& s = all.back();
    std::string its_heading =
        fmt::format("{} ({}), {}: {} inputs", s.setting, to_string(s.task), s.mode, s.inputs);
    for (const auto& [name, text] : goals)
      if (name == s.setting) its_heading += "; " + text;
    if (its_heading != heading) finish_group();
    heading = its_heading;
    group.push_back(s);
  }
  finish_group();
  d.notes.push_back(fmt::format(summary_meaning, error_meaning(unit)));
  d.notes.emplace_back(unpromised_meaning);
  d.notes.insert(d.notes.end(), words.begin(), words.end());
  if (auto lines = r.objects("live_against_replay"); !lines.empty())
    d.tables.push_back(live_against_replay(std::move(lines)));
  d.values = values_of(all, energy_source, accuracy_source);
  return d;
}

}  // namespace alertbench
