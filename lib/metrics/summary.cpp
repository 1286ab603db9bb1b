#include "metrics/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/or_null.h"
#include "base/random.h"
#include "core/goal_json.h"
#include "metrics/verdict_json.h"

namespace alertbench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t most_used = 5;
constexpr double huge = 1e300;

ordered_json value_of(const std::optional<double>& v) { return or_null(v); }

ordered_json value_of(const std::optional<Interval>& v) {
  return v ? ordered_json{v->low, v->high} : ordered_json(nullptr);
}

ordered_json value_of(const Percentiles& p) {
  return {{"mean", value_of(p.mean)},
          {"median", value_of(p.median)},
          {"p95", value_of(p.p95)},
          {"p99", value_of(p.p99)},
          {"max", value_of(p.max)}};
}

std::optional<double> read_share(JsonReader& reader, const char* key) {
  return reader.optional_number(key, 0, 1);
}

std::optional<Interval> read_interval(JsonReader& reader, const char* key) {
  if (!reader.has(key)) return {};
  const std::vector<double> ends = reader.numbers(key, -huge, huge);
  if (ends.size() != 2) reader.fail(key, fmt::format("has {} values; expected [low, high]", ends.size()));
  return Interval{ends[0], ends[1]};
}

Percentiles read_percentiles(JsonReader reader) {
  Percentiles p;
  p.mean = reader.optional_number("mean", -huge, huge);
  p.median = reader.optional_number("median", -huge, huge);
  p.p95 = reader.optional_number("p95", -huge, huge);
  p.p99 = reader.optional_number("p99", -huge, huge);
  p.max = reader.optional_number("max", -huge, huge);
  reader.finish();
  return p;
}

Percentiles percentiles_of(const std::vector<double>& values) {
  return {mean_of(values), quantile(values, 0.5), quantile(values, 0.95), quantile(values, 0.99),
          quantile(values, 1)};
}

std::vector<double> values_of(const std::vector<std::pair<int64_t, double>>& series) {
  std::vector<double> values;
  for (const auto& [input, value] : series) values.push_back(value);
  return values;
}

}  // namespace

std::optional<double> SummaryAccumulator::Counts::share() const {
  if (known == 0) return {};
  return static_cast<double>(yes) / static_cast<double>(known);
}

SummaryAccumulator::SummaryAccumulator(std::string scheduler, const Goals& goals, std::string mode,
                                       const Profile& profile)
    : scheduler_(std::move(scheduler)),
      mode_(std::move(mode)),
      goals_(goals),
      profile_(profile),
      judge_(goals),
      uses_(static_cast<size_t>(profile.rows() * profile.caps())) {}

void SummaryAccumulator::add(const InputRecord& record) {
  if (record.warmup) return;
  const Outcome& outcome = record.outcome;
  const Violations& violations = record.violations;
  ++inputs_;
  Violations judged = violations;
  judge_.add(outcome, record.opens_group, judged);
  any_.add(violations.any());
  deadline_.add(violations.deadline);
  if (violations.accuracy) accuracy_.add(*violations.accuracy);
  if (violations.energy) energy_.add(*violations.energy);
  if (outcome.correct) {
    top1_.add(outcome.correct->top1);
    if (outcome.correct->top5) top5_.add(*outcome.correct->top5);
    if (outcome.correct->f1) f1_.push_back(*outcome.correct->f1);
    if (outcome.correct->nll) nll_.push_back(*outcome.correct->nll);
    words_.add(*outcome.correct);
  }
  const double error = 1 - outcome.accuracy;
  error_.push_back(error);
  if (outcome.energy_j) energy_j_.push_back(*outcome.energy_j);
  if (goals_.task == Task::min_error)
    objective_.emplace_back(record.input, error);
  else if (outcome.energy_j)
    objective_.emplace_back(record.input, *outcome.energy_j);
  latency_s_.push_back(outcome.latency_s);
  if (record.decide_s) decide_s_.push_back(*record.decide_s);
  if (outcome.stopped) overshoot_s_.push_back(outcome.overshoot_s);
  const Configuration& c = record.configuration;
  ++uses_[static_cast<size_t>(profile_.row(c) * profile_.caps() + c.cap)];
}

Summary SummaryAccumulator::summary(const BootstrapSettings& bootstrap) const {
  Summary s;
  s.scheduler = scheduler_;
  s.setting = goals_.name;
  s.mode = mode_;
  s.task = goals_.task;
  s.inputs = inputs_;
  const GoalVerdict verdict = judge_.verdict();
  s.groups = verdict.groups;
  s.judge = goals_.judge;
  s.violated = verdict.violated(goals_.judge);
  s.violated_mean = verdict.violated_mean;
  s.violated_exact = verdict.violated_exact;
  s.violated_strict = verdict.violated_strict;
  s.shortfall = verdict.shortfall;
  if (inputs_ > 0) s.late_share = verdict.late_share;
  s.violations_any = any_.share();
  if (s.violations_any) s.satisfaction = 1 - *s.violations_any;
  s.violations_deadline = deadline_.share();
  s.violations_accuracy = accuracy_.share();
  s.violations_energy = energy_.share();
  s.mean_energy_j = mean_of(energy_j_);
  s.mean_error = mean_of(error_);
  s.objective_interval = bootstrap_mean(values_of(objective_), bootstrap);
  s.top1 = top1_.share();
  s.top5 = top5_.share();
  s.f1 = mean_of(f1_);
  if (const auto nll = mean_of(nll_)) s.perplexity = std::exp(*nll);
  if (const auto error = words_.error()) s.language_quality = 1 - *error;
  s.latency_s = percentiles_of(latency_s_);
  s.decide_s = percentiles_of(decide_s_);
  s.overshoot_s = percentiles_of(overshoot_s_);
  s.stopped = static_cast<int64_t>(overshoot_s_.size());

  for (int m = 0; m < static_cast<int>(profile_.models.size()); ++m)
    for (int stage = 1; stage <= profile_.models[static_cast<size_t>(m)].stages(); ++stage)
      for (int c = 0; c < profile_.caps(); ++c) {
        const int64_t uses = uses_[static_cast<size_t>(profile_.row({m, stage, c}) * profile_.caps() + c)];
        if (uses > 0)
          s.configurations.push_back(
              {fmt::format("{}@{}", profile_.models[static_cast<size_t>(m)].name, stage),
               profile_.caps_w[static_cast<size_t>(c)],
               static_cast<double>(uses) / static_cast<double>(inputs_)});
      }
  std::stable_sort(s.configurations.begin(), s.configurations.end(),
                   [](const Usage& a, const Usage& b) { return a.share > b.share; });
  s.configurations.resize(std::min(most_used, s.configurations.size()));
  return s;
}

void SummaryAccumulator::normalise(Summary& summary, const SummaryAccumulator* oracle_static,
                                   const BootstrapSettings& bootstrap) const {
  summary.normalised.reset();
  summary.normalised_interval.reset();
  if (!oracle_static || oracle_static->violated()) return;
  std::vector<double> own, reference;
  auto other = oracle_static->objective_.begin();
  for (const auto& [input, value] : objective_) {
    while (other != oracle_static->objective_.end() && other->first < input) ++other;
    if (other == oracle_static->objective_.end()) break;
    if (other->first != input) continue;
    own.push_back(value);
    reference.push_back(other->second);
  }
  const std::optional<double> above = mean_of(own), below = mean_of(reference);
  if (!above || !below || *below == 0) return;
  summary.normalised = *above / *below;
  summary.normalised_interval = bootstrap_ratio(own, reference, bootstrap);
}

ordered_json Summary::to_json() const {
  ordered_json out;
  out["scheduler"] = scheduler;
  out["setting"] = setting;
  out["mode"] = mode;
  out["task"] = to_string(task);
  out["inputs"] = inputs;
  out["groups"] = groups;
  out["judge"] = to_string(judge);
  out["violated"] = violated;
  out["late_share"] = value_of(late_share);
  out["mean"] = mean_reading_json(MeanReading{violated_mean, violated_exact, shortfall});
  out["strict"] = {{"violated", violated_strict}};
  out["satisfaction"] = value_of(satisfaction);
  out["violations"] = {{"any", value_of(violations_any)},
                       {"deadline", value_of(violations_deadline)},
                       {"accuracy", value_of(violations_accuracy)},
                       {"energy", value_of(violations_energy)}};
  out["mean_energy_j"] = value_of(mean_energy_j);
  out["mean_error"] = value_of(mean_error);
  out["objective_interval"] = value_of(objective_interval);
  out["bound"] = bound_json(bound);
  out["top1"] = value_of(top1);
  out["top5"] = value_of(top5);
  out["f1"] = value_of(f1);
  out["perplexity"] = value_of(perplexity);
  out["language_quality"] = value_of(language_quality);
  out["normalised"] = value_of(normalised);
  out["normalised_interval"] = value_of(normalised_interval);
  out["latency_s"] = value_of(latency_s);
  out["decide_s"] = value_of(decide_s);
  out["stopped"] = stopped;
  out["overshoot_s"] = value_of(overshoot_s);
  out["configurations"] = ordered_json::array();
  for (const Usage& u : configurations)
    out["configurations"].push_back(
        {{"configuration", u.configuration}, {"cap_w", u.cap_w}, {"share", u.share}});
  return out;
}

Summary Summary::read(JsonReader reader) {
  Summary s;
  s.scheduler = reader.text("scheduler");
  s.setting = reader.text("setting");
  s.mode = reader.text("mode");
  s.task = read_task(reader);
  s.inputs = reader.integer("inputs", 0, 1 << 30);
  s.groups = reader.integer("groups", 0, 1 << 30);
  s.judge = read_judge(reader);
  s.violated = reader.boolean("violated", false);
  s.late_share = read_share(reader, "late_share");
  const MeanReading mean = read_mean_reading(reader.object("mean"));
  s.violated_mean = mean.violated;
  s.violated_exact = mean.violated_exact;
  s.shortfall = mean.shortfall;
  JsonReader strict = reader.object("strict");
  s.violated_strict = strict.boolean("violated", false);
  strict.finish();
  s.satisfaction = read_share(reader, "satisfaction");
  JsonReader violations = reader.object("violations");
  s.violations_any = read_share(violations, "any");
  s.violations_deadline = read_share(violations, "deadline");
  s.violations_accuracy = read_share(violations, "accuracy");
  s.violations_energy = read_share(violations, "energy");
  violations.finish();
  s.mean_energy_j = reader.optional_number("mean_energy_j", -huge, huge);
  s.mean_error = reader.optional_number("mean_error", -huge, huge);
  s.objective_interval = read_interval(reader, "objective_interval");
  s.bound = read_bound(reader);
  s.top1 = read_share(reader, "top1");
  s.top5 = read_share(reader, "top5");
  s.f1 = read_share(reader, "f1");
  s.perplexity = reader.optional_number("perplexity", 1, huge);
  s.language_quality = reader.optional_number("language_quality", -huge, 1);
  s.normalised = reader.optional_number("normalised", -huge, huge);
  s.normalised_interval = read_interval(reader, "normalised_interval");
  s.latency_s = read_percentiles(reader.object("latency_s"));
  s.decide_s = read_percentiles(reader.object("decide_s"));
  s.stopped = reader.integer("stopped", 0, 1 << 30);
  s.overshoot_s = read_percentiles(reader.object("overshoot_s"));
  for (JsonReader& use : reader.objects("configurations")) {
    Usage u;
    u.configuration = use.text("configuration");
    u.cap_w = use.number("cap_w", 0, huge);
    u.share = use.number("share", 0, 1);
    use.finish();
    s.configurations.push_back(u);
  }
  reader.finish();
  return s;
}

namespace {

bool is_feasible(const Summary& of, const std::vector<Summary>& all) {
  for (const char* mode : {"replay", "live"})
    for (const Summary& s : all)
      if (s.scheduler == "oracle-static" && s.mode == mode && s.setting == of.setting) return !s.violated;
  return true;
}

std::optional<Interval> interval_of(const std::vector<const Summary*>& counted,
                                    const BootstrapSettings& settings) {
  if (counted.size() == 1) return counted[0]->normalised_interval;
  constexpr double width_sd = 2 * 1.96;  // of a 95 % interval
  return bootstrap(settings, Undefined::no_interval, [&](Random& random) -> std::optional<double> {
    double sum = 0;
    for (size_t k = 0; k < counted.size(); ++k) {
      const Summary& drawn = *counted[random.below(counted.size())];
      sum += *drawn.normalised;
      if (const auto& own = drawn.normalised_interval)
        sum += (own->high - own->low) / width_sd * random.normal();
    }
    return sum / static_cast<double>(counted.size());
  });
}

}  // namespace

std::vector<TaskSummary> over_settings(const std::vector<Summary>& summaries,
                                       const BootstrapSettings& bootstrap) {
  std::vector<TaskSummary> all;
  std::vector<std::vector<const Summary*>> counted;
  for (const Summary& s : summaries) {
    if (!is_feasible(s, summaries)) continue;
    size_t k = 0;
    while (k < all.size() &&
           (all[k].scheduler != s.scheduler || all[k].mode != s.mode || all[k].task != s.task))
      ++k;
    if (k == all.size()) {
      all.emplace_back();
      all[k].scheduler = s.scheduler;
      all[k].mode = s.mode;
      all[k].task = s.task;
      counted.emplace_back();
    }
    ++all[k].settings;
    all[k].violated += s.violated;
    if (!s.violated && s.normalised) counted[k].push_back(&s);
  }
  for (size_t k = 0; k < all.size(); ++k) {
    if (counted[k].empty()) continue;
    all[k].counted = static_cast<int>(counted[k].size());
    double sum = 0;
    for (const Summary* s : counted[k]) sum += *s->normalised;
    all[k].normalised = sum / static_cast<double>(counted[k].size());
    all[k].interval = interval_of(counted[k], bootstrap);
  }
  return all;
}

ordered_json TaskSummary::to_json() const {
  return {{"scheduler", scheduler},
          {"mode", mode},
          {"task", to_string(task)},
          {"settings", settings},
          {"violated_settings", violated},
          {"counted_settings", counted},
          {"normalised", value_of(normalised)},
          {"normalised_interval", value_of(interval)}};
}

}  // namespace alertbench
