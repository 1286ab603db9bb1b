#include "schedulers/alert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "estimate/normal_cdf.h"
#include "schedulers/vector_loops.h"

namespace alertbench {
namespace {

constexpr double huge = 1e300;
constexpr double log_of_no_time = -1000;  // stands for the logarithm of a deadline that has passed
const std::vector<std::string> criterion_names = {"latency", "accuracy", "energy"};
const std::vector<std::string> estimator_names = {"gaussian", "student", "regimes", "quantiles"};

std::array<Criterion, 3> read_priority(JsonReader& reader, std::array<Criterion, 3> fallback) {
  const std::vector<std::string> words = reader.texts("priority");
  if (words.empty()) return fallback;
  if (!std::is_permutation(words.begin(), words.end(), criterion_names.begin(), criterion_names.end()))
    reader.fail("priority", fmt::format("[{}] is not an order of: {}", fmt::join(words, ", "),
                                        fmt::join(criterion_names, ", ")));
  for (size_t i = 0; i < fallback.size(); ++i)
    fallback[i] = static_cast<Criterion>(std::find(criterion_names.begin(), criterion_names.end(), words[i]) -
                                         criterion_names.begin());
  return fallback;
}

SlowdownConstants read_slowdown(JsonReader reader, const SlowdownConstants& d) {
  SlowdownConstants c;
  c.gain = reader.number("gain", d.gain, 0, 1);
  c.measurement_noise = reader.number("measurement_noise", d.measurement_noise, 1e-12, huge);
  c.process_noise_floor = reader.number("process_noise_floor", d.process_noise_floor, 0, huge);
  c.mean = reader.number("mean", d.mean, 1e-6, huge);
  c.variance = reader.number("variance", d.variance, 0, huge);
  c.forgetting = reader.number("forgetting", d.forgetting, 0, 1);
  c.predict_with_noise = reader.boolean("predict_with_noise", d.predict_with_noise);
  reader.finish();
  return c;
}

StudentConstants read_student(JsonReader reader) {
  StudentConstants c;
  c.variance = reader.number("variance", c.variance, 0, 100);
  c.noise = reader.number("noise", c.noise, 1e-12, 100);
  c.drift = reader.number("drift", c.drift, 0, 100);
  c.forgetting = reader.number("forgetting", c.forgetting, 0, 1);
  c.least_noise = reader.number("least_noise", c.least_noise, 1e-12, 100);
  reader.finish();
  return c;
}

RegimeConstants read_regimes(JsonReader reader) {
  RegimeConstants c;
  c.stay = reader.number("stay", c.stay, 0.5, 1);
  c.forgetting = reader.number("forgetting", c.forgetting, 0, 0.9999);
  c.second_location = reader.number("second_location", c.second_location, 1e-6, greatest_log_factor);
  c.variance = reader.number("variance", c.variance, 1e-12, 100);
  c.count = reader.number("count", c.count, 1e-6, 1e6);
  c.least_variance = reader.number("least_variance", c.least_variance, 1e-12, 100);
  c.least_distance = reader.number("least_distance", c.least_distance, 0, greatest_log_factor);
  reader.finish();
  return c;
}

QuantileConstants read_quantiles(JsonReader reader) {
  QuantileConstants c;
  c.range = reader.number("range", c.range, 1e-6, 2 * greatest_log_factor);
  reader.finish();
  return c;
}

ConformalConstants read_conformal(JsonReader reader) {
  ConformalConstants c;
  c.miss_share = reader.number("miss_share", c.miss_share, 1e-6, 1 - 1e-6);
  c.gamma = reader.number("gamma", c.gamma, 1e-6, 1);
  reader.finish();
  return c;
}

void read_idle(JsonReader reader, AlertSettings& s) {
  s.idle.variance = reader.number("variance", s.idle.variance, 0, huge);
  s.idle.process_noise = reader.number("process_noise", s.idle.process_noise, 0, huge);
  s.idle.measurement_noise = reader.number("measurement_noise", s.idle.measurement_noise, 1e-12, huge);
  s.idle_ratio = reader.optional_number("ratio", 0, huge);
  s.idle_follows_cap = reader.boolean("follows_cap", s.idle_follows_cap);
  reader.finish();
}

// P(in time) of each configuration, by the distribution of ln(factor). By value: what lies behind a reference
// might change with every element written, for all that the compiler knows.
template <class LogCdf>
ALERT_INLINE void fill_in_time(const LogCdf cdf, double log_deadline, size_t n, const double* log_end,
                               double* in_time) {
  for (size_t i = 0; i < n; ++i) in_time[i] = cdf(log_deadline - log_end[i]);
}

}  // namespace

AlertSettings AlertSettings::read(JsonReader reader) {
  AlertSettings s;
  s.preset = reader.one_of("preset", s.preset, {"paper", "tuned"});
  if (s.preset == "tuned") {
    s.estimator.gaussian = SlowdownConstants::tuned();
    s.probability_threshold = 0.9;
  }
  const std::string kind = reader.one_of("estimator", estimator_names[0], estimator_names);
  s.estimator.kind = static_cast<EstimatorKind>(
      std::find(estimator_names.begin(), estimator_names.end(), kind) - estimator_names.begin());
  if (reader.has("slowdown"))
    s.estimator.gaussian = read_slowdown(reader.object("slowdown"), s.estimator.gaussian);
  if (reader.has("student")) s.estimator.student = read_student(reader.object("student"));
  if (reader.has("regimes")) s.estimator.regimes = read_regimes(reader.object("regimes"));
  if (reader.has("quantiles")) s.estimator.quantiles = read_quantiles(reader.object("quantiles"));
  if (reader.has("conformal")) s.conformal = read_conformal(reader.object("conformal"));
  if (reader.has("idle")) read_idle(reader.object("idle"), s);
  s.priority = read_priority(reader, s.priority);
  s.hopeless_share = reader.number("hopeless_share", s.hopeless_share, 0, 1);
  s.accuracy_tolerance = reader.number("accuracy_tolerance", s.accuracy_tolerance, 0, 1);
  if (reader.has("probability_threshold"))
    s.probability_threshold = reader.optional_number("probability_threshold", 0, 1);
  s.goal_window = reader.integer("goal_window", s.goal_window, 0, 1'000'000);
  s.overhead.read(reader);
  reader.finish();
  return s;
}

nlohmann::ordered_json AlertSettings::to_json() const {
  nlohmann::ordered_json out;
  out["preset"] = preset;
  const SlowdownConstants& slowdown = estimator.gaussian;
  out["estimator"] = estimator_names[static_cast<size_t>(estimator.kind)];
  out["slowdown"] = {{"gain", slowdown.gain},
                     {"measurement_noise", slowdown.measurement_noise},
                     {"process_noise_floor", slowdown.process_noise_floor},
                     {"mean", slowdown.mean},
                     {"variance", slowdown.variance},
                     {"forgetting", slowdown.forgetting},
                     {"predict_with_noise", slowdown.predict_with_noise}};
  out["student"] = {{"variance", estimator.student.variance},
                    {"noise", estimator.student.noise},
                    {"drift", estimator.student.drift},
                    {"forgetting", estimator.student.forgetting},
                    {"least_noise", estimator.student.least_noise}};
  out["regimes"] = {{"stay", estimator.regimes.stay},
                    {"forgetting", estimator.regimes.forgetting},
                    {"second_location", estimator.regimes.second_location},
                    {"variance", estimator.regimes.variance},
                    {"count", estimator.regimes.count},
                    {"least_variance", estimator.regimes.least_variance},
                    {"least_distance", estimator.regimes.least_distance}};
  out["quantiles"] = {{"range", estimator.quantiles.range}};
  out["conformal"] = nullptr;
  if (conformal) out["conformal"] = {{"miss_share", conformal->miss_share}, {"gamma", conformal->gamma}};
  out["idle"] = {{"variance", idle.variance},
                 {"process_noise", idle.process_noise},
                 {"measurement_noise", idle.measurement_noise},
                 {"ratio", nullptr},
                 {"follows_cap", idle_follows_cap}};
  if (idle_ratio) out["idle"]["ratio"] = *idle_ratio;
  out["priority"] = nlohmann::ordered_json::array();
  for (Criterion c : priority) out["priority"].push_back(criterion_names[static_cast<size_t>(c)]);
  out["hopeless_share"] = hopeless_share;
  out["accuracy_tolerance"] = accuracy_tolerance;
  out["probability_threshold"] = nullptr;
  if (probability_threshold) out["probability_threshold"] = *probability_threshold;
  out["goal_window"] = goal_window;
  overhead.write(out);
  return out;
}

Alert::Alert(const SchedulerInputs& inputs, const AlertSettings& settings, Candidates kind, bool mean_only)
    : profile_(inputs.profile),
      goals_(inputs.goals),
      accuracy_goal_(inputs.goals.accuracy.value_or(0)),
      energy_goal_j_(inputs.goals.energy_j.value_or(infinity)),
      settings_(settings),
      mean_only_(mean_only),
      logarithmic_(settings.estimator.kind != EstimatorKind::gaussian),
      quantile_(mean_only ? 0 : normal_quantile(settings.probability_threshold.value_or(0.5))),
      caps_w_(inputs.profile.caps_w),
      fail_accuracy_(caps_w_.size(), inputs.profile.fail_accuracy),
      estimator_(settings.estimator),
      idle_(settings.idle,
            settings.idle_ratio.value_or(inputs.profile.idle_power_w / inputs.profile.caps_w.back())),
      window_(settings.goal_window),
      overhead_(settings.overhead) {
  for (size_t m = 0; m < profile_.models.size(); ++m)
    profile_row_of_model_.push_back(profile_.first_row(static_cast<int>(m)));
  for (int m : models_by_name(profile_, kind)) {
    const ModelProfile& model = profile_.models[static_cast<size_t>(m)];
    double before = profile_.fail_accuracy;
    for (int s = 1; s <= model.stages(); ++s) {
      const double accuracy = model.accuracy[static_cast<size_t>(s - 1)];
      rows_.push_back({m, s, model.anytime(), accuracy - before});
      before = accuracy;
      for (int c = 0; c < profile_.caps(); ++c) {
        profiled_.end_s.push_back(profile_.latency_of({m, s, c}).mean_s);
        profiled_.inverse.push_back(1 / profiled_.end_s.back());
        profiled_.log_end.push_back(std::log(profiled_.end_s.back()));
        profiled_.first_end_s.push_back(profile_.latency_of({m, 1, c}).mean_s);
        active_w_.push_back(profile_.active_power_of(m, c));
        idle_cap_w_.push_back(settings_.idle_follows_cap ? caps_w_[static_cast<size_t>(c)] : caps_w_.back());
        never_stops_s_.push_back(model.anytime() ? 0 : infinity);
      }
    }
    best_accuracy_ = std::max(best_accuracy_, before);
  }
  now_ = profiled_;
  piece_.resize(now_.end_s.size());
  in_time_.resize(now_.end_s.size());
  accuracy_.resize(now_.end_s.size());
  energy_j_.resize(now_.end_s.size());
  score_.resize(now_.end_s.size());
  if (settings_.conformal) conformal_.emplace(*settings_.conformal);
  believe();
}

void Alert::believe() {
  mean_ = estimator_.mean();
  sd_ = estimator_.sd();
  likely_factor_ = mean_ + quantile_ * sd_;
  if (logarithmic_ && !mean_only_ && settings_.probability_threshold)
    likely_factor_ = estimator_.quantile(*settings_.probability_threshold);
  if (conformal_)
    conformal_factor_ = conformal_->bound([this](double level) { return estimator_.quantile(level); });
}

void Alert::scale_to(double size) {
  const size_t caps = caps_w_.size();
  for (size_t r = 0; r < rows_.size(); ++r) {
    const double factor = profile_.size_factor(rows_[r].model, size), inverse = 1 / factor;
    for (size_t i = at(r); i < at(r) + caps; ++i) {
      now_.end_s[i] = profiled_.end_s[i] * factor;
      now_.inverse[i] = profiled_.inverse[i] * inverse;
      now_.first_end_s[i] = profiled_.first_end_s[i] * factor;
    }
    if (!logarithmic_) continue;
    const double log_factor_of_size = std::log(factor);
    for (size_t i = at(r); i < at(r) + caps; ++i) now_.log_end[i] = profiled_.log_end[i] + log_factor_of_size;
  }
  size_ = size;
}

Configuration Alert::decide(const Context& context) {
  if (context.size != size_) scale_to(context.size);
  const double deadline_s = context.deadline_from_start_s - overhead_.seconds();
  predict(deadline_s, context.period_s, context.idle_charged_s);
  score(deadline_s, context.period_s, context.idle_charged_s);
  const size_t best = pick();
  const Row& row = rows_[best / caps_w_.size()];
  const double t = mean_ * now_.end_s[best], first_end_s = now_.first_end_s[best];
  prediction_ = Prediction{row.anytime ? std::clamp(t, 0.0, std::max(0.0, deadline_s)) : t,
                           mean_only_ ? static_cast<double>(mean_ * first_end_s <= deadline_s)
                                      : estimator_.cdf(deadline_s / first_end_s),
                           accuracy_[best], energy_j_[best]};
  promised_ = conformal_factor_ * first_end_s <= deadline_s;
  return {row.model, row.stage, static_cast<int>(best % caps_w_.size())};
}

ALERT_VECTOR_CLONES void Alert::predict(double deadline_s, double period_s, double idle_charged_s) {
  const size_t caps = caps_w_.size(), n = now_.end_s.size();
  const double mean = mean_;

  // Short loops, one job each, so that plain x86-64 compilers vectorise all but the table look-up.
  const double* inverse = now_.inverse.data();
  double* in_time = in_time_.data();
  if (mean_only_) {
    for (size_t i = 0; i < n; ++i) in_time[i] = deadline_s * inverse[i] >= mean ? 1.0 : 0.0;
  } else if (logarithmic_) {
    const double log_deadline = deadline_s > 0 ? std::log(deadline_s) : log_of_no_time;
    const double* log_end = now_.log_end.data();
    if (const auto* student = std::get_if<StudentSlowdown>(&estimator_.kind()))
      fill_in_time(student->log_cdf(), log_deadline, n, log_end, in_time);
    else if (const auto* regimes = std::get_if<RegimeSlowdown>(&estimator_.kind()))
      fill_in_time(regimes->log_cdf(), log_deadline, n, log_end, in_time);
    else
      fill_in_time(std::get<QuantileSlowdown>(estimator_.kind()).log_cdf(), log_deadline, n, log_end,
                   in_time);
  } else {
    const double per_sd = NormalTable::per_unit / std::max(SlowdownFilter::least_sd, sd_);
    const double slope = deadline_s * per_sd, offset = mean * per_sd - NormalTable::middle;
    int* piece = piece_.data();
    for (size_t i = 0; i < n; ++i)
      in_time[i] = std::min(std::max(0.0, slope * inverse[i] - offset), NormalTable::last);
    for (size_t i = 0; i < n; ++i) {
      piece[i] = static_cast<int>(in_time[i]);
      in_time[i] -= static_cast<int>(in_time[i]);
    }
    for (size_t i = 0; i < n; ++i) in_time[i] = normal_table.in_piece(piece[i], in_time[i]);
  }

  for (size_t r = 0; r < rows_.size(); ++r) {
    const Row& row = rows_[r];
    const double* before = row.stage == 1 ? fail_accuracy_.data() : accuracy_.data() + at(r - 1);
    const double* probability = in_time_.data() + at(r);
    double* accuracy = accuracy_.data() + at(r);
    const double step = row.accuracy_step;
    for (size_t c = 0; c < caps; ++c) accuracy[c] = before[c] + step * probability[c];
  }

  const double stop_s = std::max(0.0, deadline_s), idle_ratio = idle_.ratio();
  const double *latency = now_.end_s.data(), *active = active_w_.data(), *idle_cap = idle_cap_w_.data(),
               *never_stops = never_stops_s_.data();
  double* energy = energy_j_.data();
  for (size_t i = 0; i < n; ++i) {
    const double busy_s = std::min(mean * latency[i], std::max(stop_s, never_stops[i]));
    energy[i] =
        active[i] * busy_s + idle_ratio * idle_cap[i] * (std::max(0.0, period_s - busy_s) - idle_charged_s);
  }
}

ALERT_VECTOR_CLONES void Alert::score(double deadline_s, double period_s, double idle_charged_s) {
  const size_t n = score_.size();
  const double *accuracy = accuracy_.data(), *energy = energy_j_.data();
  double* score = score_.data();
  if (goals_.task == Task::min_energy) {
    const double floor = accuracy_goal_ - settings_.accuracy_tolerance;
    for (size_t i = 0; i < n; ++i) score[i] = accuracy[i] >= floor ? energy[i] : infinity;
  } else {
    const double budget = energy_goal_j_;
    for (size_t i = 0; i < n; ++i) score[i] = energy[i] <= budget ? -accuracy[i] : infinity;
  }
  if (!settings_.probability_threshold && !conformal_) return;

  // Latency and energy rise with the slow-down factor, so P(goal met) >= p is: met at the factor's
  // p-quantile.
  const double late_factor = conformal_ ? conformal_factor_ : likely_factor_;
  const double* first = now_.first_end_s.data();
  for (size_t i = 0; i < n; ++i) score[i] = late_factor * first[i] <= deadline_s ? score[i] : infinity;
  if (!settings_.probability_threshold || goals_.task == Task::min_energy) return;

  for (size_t i = 0; i < n; ++i) {
    const double stop_s = std::max(std::max(0.0, deadline_s), never_stops_s_[i]);
    const double busy_s = std::clamp(likely_factor_ * now_.end_s[i], 0.0, stop_s);
    const double idle_s = std::max(0.0, period_s - busy_s) - idle_charged_s;
    if (!(active_w_[i] * busy_s + idle_.ratio() * idle_cap_w_[i] * idle_s <= energy_goal_j_))
      score[i] = infinity;
  }
}

ALERT_VECTOR_CLONES size_t Alert::pick() const {
  const size_t n = score_.size();
  const double *score = score_.data(), *energy = energy_j_.data();
  const double least = least_of(n, [=](size_t i) { return score[i]; });
  if (least == infinity) return pick_fallback();
  if (goals_.task == Task::min_energy) return first_with(n, [=](size_t i) { return score[i] <= least; });

  const double bound = least + settings_.accuracy_tolerance;
  const double least_j = least_of(n, [=](size_t i) { return score[i] <= bound ? energy[i] : infinity; });
  return first_with(n, [=](size_t i) { return score[i] <= bound && energy[i] <= least_j; });
}

ALERT_VECTOR_CLONES size_t Alert::pick_fallback() const {
  const size_t n = score_.size();
  const double *first = now_.first_end_s.data(), *accuracy = accuracy_.data(), *energy = energy_j_.data();
  if (window_.on() && goals_.task == Task::min_error) {
    const double least_j = least_of(n, [=](size_t i) { return energy[i]; });
    return first_with(n, [=](size_t i) { return energy[i] <= least_j; });
  }
  double max_first_s = infinity, min_accuracy = -infinity, max_energy_j = infinity;
  const auto least_left = [&](const double* value, double sign) {
    const double f = max_first_s, a = min_accuracy, e = max_energy_j;
    return least_of(n, [=](size_t i) {
      return ((first[i] <= f) & (accuracy[i] >= a) & (energy[i] <= e)) ? sign * value[i] : infinity;
    });
  };
  for (Criterion criterion : settings_.priority) {
    if (criterion == Criterion::latency) {
      const double gain = -least_of(n, [=](size_t i) { return -accuracy[i]; }) - profile_.fail_accuracy;
      if (gain > settings_.hopeless_share * (best_accuracy_ - profile_.fail_accuracy)) continue;
      max_first_s = least_left(first, 1);
    } else if (criterion == Criterion::accuracy) {
      min_accuracy = -least_left(accuracy, -1) - settings_.accuracy_tolerance;
    } else {
      max_energy_j = least_left(energy, 1);
    }
  }
  return first_with(n, [=](size_t i) {
    return first[i] <= max_first_s && accuracy[i] >= min_accuracy && energy[i] <= max_energy_j;
  });
}

void Alert::observe(const Observation& o) {
  overhead_.observe(o.decide_s);
  const size_t caps = caps_w_.size();
  const auto model = static_cast<size_t>(o.configuration.model),
             cap = static_cast<size_t>(o.configuration.cap);
  const int stage = std::max(1, o.stages_finished);
  const auto row = static_cast<size_t>(profile_row_of_model_[model] + stage - 1);
  const double measured_s = o.stages_finished > 0 ? o.last_stage_end_s : o.busy_s;
  observed_ratio_ = measured_s / (profile_.size_factor(o.configuration.model, o.size) *
                                  profile_.latency[row * caps + cap].mean_s);
  const bool only_bound = o.stages_finished == 0, exceeded = observed_ratio_ > conformal_factor_;
  if (conformal_) {
    if (exceeded || (!only_bound && observed_ratio_ > 0)) conformal_->observe(exceeded);
    if (!promised_) conformal_->count_unpromised();
  }
  only_bound ? estimator_.exceeded(observed_ratio_) : estimator_.update(observed_ratio_);
  believe();
  if (goals_.task == Task::min_energy) {
    if (goals_.accuracy) window_.add(o.accuracy), accuracy_goal_ = window_.next(*goals_.accuracy);
  } else if (goals_.energy_j && o.energy_j) {
    window_.add(*o.energy_j), energy_goal_j_ = window_.next(*goals_.energy_j);
  }
  if (o.idle_power_w)
    idle_.update(*o.idle_power_w / (settings_.idle_follows_cap ? caps_w_[cap] : caps_w_.back()));
}

std::optional<Slowdown> Alert::slowdown() const { return Slowdown{observed_ratio_, mean_, sd_}; }

}  // namespace alertbench
