#include "schedulers/price.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "schedulers/candidates.h"
#include "schedulers/vector_loops.h"

namespace alertbench {
namespace {

constexpr double most_inputs = 1e6;                   // of any setting that counts inputs
constexpr double cheapest_log = -6, dearest_log = 7;  // limits of the log price, around one worth for another
constexpr int first_price_halvings = 24;
constexpr double member_to_come = 1.3;  // of the fastest network's expected time
constexpr double least_late_debt = -8, least_group_late_debt = -2;
constexpr int64_t settled_after = 15;  // judged inputs: before that, a bank below 0 says little
constexpr double most_power_ratio = 10;

double log_bins(double value) { return (std::log(value) - RegimeHistogram::low) * RegimeHistogram::per_bin; }

RegimeHistogramConstants read_regimes(JsonReader reader, RegimeHistogramConstants c) {
  c.regimes = reader.integer("regimes", c.regimes, 1, RegimeHistogram::most_regimes);
  c.stay = reader.number("stay", c.stay, 0.5, 0.9999);
  c.scale = reader.number("scale", c.scale, 1e-4, 100);
  c.seen = reader.number("seen", c.seen, 0, most_inputs);
  c.forgetting = reader.number("forgetting", c.forgetting, 1e-6, 1);
  c.histogram = reader.boolean("histogram", c.histogram);
  c.histogram_forgetting = reader.number("histogram_forgetting", c.histogram_forgetting, 1e-6, 1);
  c.histogram_prior = reader.number("histogram_prior", c.histogram_prior, 0.01, most_inputs);
  reader.finish();
  return c;
}

void read_bank(JsonReader reader, PriceSettings& s) {
  s.bank = reader.boolean("on", s.bank);
  s.shortest_inputs = reader.number("shortest_inputs", s.shortest_inputs, 1, most_inputs);
  s.longest_inputs = reader.number("longest_inputs", s.longest_inputs, 1, most_inputs);
  if (s.longest_inputs < s.shortest_inputs)
    reader.fail("longest_inputs",
                fmt::format("{} is below shortest_inputs, {}", s.longest_inputs, s.shortest_inputs));
  s.most_asked = reader.number("most_asked", s.most_asked, 0, 1);
  reader.finish();
}

void read_reserve(JsonReader reader, PriceSettings& s) {
  s.reserve = reader.number("start", s.reserve, 0, most_inputs);
  s.reserve_step = reader.number("step", s.reserve_step, 0, most_inputs);
  s.most_reserve = reader.number("most", std::max(s.most_reserve, s.reserve), 0, most_inputs);
  if (s.most_reserve < s.reserve)
    reader.fail("most", fmt::format("{} is below start, {}", s.most_reserve, s.reserve));
  s.reserve_decay = reader.number("decay", s.reserve_decay, 0, 1);
  reader.finish();
}

void read_late(JsonReader reader, PriceSettings& s) {
  s.late_price = reader.boolean("on", s.late_price);
  s.late_share = reader.number("share", s.late_share, 0, 1);
  s.late_gain = reader.number("gain", s.late_gain, 0, most_inputs);
  s.late_group_share = reader.number("group_share", s.late_group_share, 0, 1);
  s.late_group_gain = reader.number("group_gain", s.late_group_gain, 0, most_inputs);
  s.group_slack = reader.number("group_slack", s.group_slack, 0, 1);
  reader.finish();
}

}  // namespace

PriceSettings PriceSettings::read(JsonReader reader) {
  PriceSettings s;
  if (reader.has("slowdown")) s.slowdown = read_regimes(reader.object("slowdown"), s.slowdown);
  s.by_price = reader.one_of("rule", "price", {"price", "goal"}) == "price";
  s.gain = reader.number("gain", s.gain, 0, 10);
  s.swing = reader.number("swing", s.swing, 0, 100);
  if (reader.has("bank")) read_bank(reader.object("bank"), s);
  if (reader.has("reserve")) read_reserve(reader.object("reserve"), s);
  if (reader.has("late")) read_late(reader.object("late"), s);
  s.known_horizon = reader.one_of("horizon", "unknown", {"unknown", "known"}) == "known";
  s.accuracy_floor = reader.optional_number("accuracy_floor", 0, 1);
  s.power_gain = reader.number("power_gain", s.power_gain, 0, 1);
  s.overhead.read(reader);
  reader.finish();
  return s;
}

nlohmann::ordered_json PriceSettings::to_json() const {
  nlohmann::ordered_json out;
  out["slowdown"] = {{"regimes", slowdown.regimes},
                     {"stay", slowdown.stay},
                     {"scale", slowdown.scale},
                     {"seen", slowdown.seen},
                     {"forgetting", slowdown.forgetting},
                     {"histogram", slowdown.histogram},
                     {"histogram_forgetting", slowdown.histogram_forgetting},
                     {"histogram_prior", slowdown.histogram_prior}};
  out["rule"] = by_price ? "price" : "goal";
  out["gain"] = gain;
  out["swing"] = swing;
  out["bank"] = {{"on", bank},
                 {"shortest_inputs", shortest_inputs},
                 {"longest_inputs", longest_inputs},
                 {"most_asked", most_asked}};
  out["reserve"] = {
      {"start", reserve}, {"step", reserve_step}, {"most", most_reserve}, {"decay", reserve_decay}};
  out["late"] = {{"on", late_price},
                 {"share", late_share},
                 {"gain", late_gain},
                 {"group_share", late_group_share},
                 {"group_gain", late_group_gain},
                 {"group_slack", group_slack}};
  out["horizon"] = known_horizon ? "known" : "unknown";
  out["accuracy_floor"] = nullptr;
  if (accuracy_floor) out["accuracy_floor"] = *accuracy_floor;
  out["power_gain"] = power_gain;
  overhead.write(out);
  return out;
}

Price::Price(const SchedulerInputs& inputs, const PriceSettings& settings)
    : profile_(inputs.profile),
      goals_(inputs.goals),
      first_judged_(inputs.first_judged),
      total_inputs_(settings.known_horizon ? inputs.total_inputs.value_or(-1) : -1),
      settings_(settings),
      caps_(inputs.profile.caps_w.size()),
      slowdown_(settings.slowdown),
      overhead_(settings.overhead),
      idle_w_(inputs.profile.idle_power_w),
      reserve_(settings.reserve) {
  if (settings_.known_horizon && !inputs.total_inputs)
    throw InputError(
        "scheduler_settings: price: horizon: \"known\" requires the number of inputs, which is not known "
        "here; set it to \"unknown\"");
  double least_accuracy = infinity, most_accuracy = -infinity, most_active_w = 0;
  fastest_s_ = infinity;
  for (const int m : models_by_name(profile_, Candidates::all)) {
    const ModelProfile& model = profile_.models[static_cast<size_t>(m)];
    double before = profile_.fail_accuracy;
    for (int s = 1; s <= model.stages(); ++s) {
      const double accuracy = model.accuracy[static_cast<size_t>(s - 1)];
      rows_.push_back({m, s, model.anytime(), accuracy - before});
      before = accuracy;
      least_accuracy = std::min(least_accuracy, accuracy);
      most_accuracy = std::max(most_accuracy, accuracy);
      for (int c = 0; c < profile_.caps(); ++c) {
        profiled_s_.push_back(profile_.latency_of({m, s, c}).mean_s);
        log_profiled_.push_back(std::log(profiled_s_.back()) * RegimeHistogram::per_bin);
        active_w_.push_back(profile_.active_power_of(m, c));
        most_active_w = std::max(most_active_w, active_w_.back());
        fastest_s_ = std::min(fastest_s_, profiled_s_.back());
      }
    }
  }
  if (most_accuracy > least_accuracy) accuracy_worth_ = most_accuracy - least_accuracy;
  const double above_idle_w = most_active_w - profile_.idle_power_w;
  energy_worth_ = (above_idle_w > 0 ? above_idle_w : most_active_w) * goals_.deadline_s;
  measured_j_ = modelled_j_ = most_active_w * goals_.deadline_s;
  end_s_ = profiled_s_;
  log_end_ = log_profiled_;
  for (std::vector<double>* v : {&in_time_, &accuracy_, &energy_j_, &late_, &score_})
    v->resize(end_s_.size());
  within_.resize(caps_);
  within_mean_.resize(caps_);
}

void Price::scale_to(double size) {
  for (size_t r = 0; r < rows_.size(); ++r) {
    const double factor = profile_.size_factor(rows_[r].model, size);
    const double log_factor = std::log(factor) * RegimeHistogram::per_bin;
    for (size_t i = at(r); i < at(r) + caps_; ++i) {
      end_s_[i] = profiled_s_[i] * factor;
      log_end_[i] = log_profiled_[i] + log_factor;
    }
  }
  size_ = size;
}

Configuration Price::decide(const Context& context) {
  input_ = context.input;
  members_left_ = context.members_left;
  idle_charged_s_ = context.idle_charged_s;
  grouped_ = grouped_ || context.members_left > 1;
  if (context.size != size_) scale_to(context.size);
  const double deadline_s = context.deadline_from_start_s - overhead_.seconds();
  predict(context, deadline_s);
  if (!started_) find_first_price();
  const size_t best = settings_.by_price ? choose(log_price()) : choose_by_goal();

  const Row& row = rows_[best / caps_];
  const double mean_s = slowdown_.mean() * end_s_[best];
  chosen_accuracy_ = accuracy_[best];
  chosen_energy_j_ = energy_j_[best];
  prediction_ = Prediction{row.anytime ? std::min(mean_s, std::max(0.0, deadline_s)) : mean_s,
                           1 - late_[best], chosen_accuracy_, chosen_energy_j_};
  return {row.model, row.stage, static_cast<int>(best % caps_)};
}

ALERT_VECTOR_CLONES void Price::predict(const Context& context, double deadline_s) {
  const double stop_s = deadline_s > 0 ? deadline_s : 0;
  const double period_s = context.period_s > 0 ? context.period_s : 0;
  double finish_s = stop_s;  // a traditional network's share of its group's time
  if (context.members_left > 1) {
    const double to_come_s =
        static_cast<double>(context.members_left - 1) * member_to_come * fastest_s_ * slowdown_.mean();
    const double spare_s = context.delivered_by_s() - to_come_s - stop_s;
    if (spare_s > 0) finish_s += settings_.group_slack * spare_s;
  }
  const double stop_at = log_bins(stop_s), finish_at = log_bins(finish_s), period_at = log_bins(period_s);
  const double mean = slowdown_.mean(), ratio = power_ratio(), idle_w = idle_w_,
               idle_charged_s = idle_charged_s_, fail_accuracy = profile_.fail_accuracy;

  for (size_t r = 0; r < rows_.size(); ++r) {
    const Row& row = rows_[r];
    const double *end_s = end_s_.data() + at(r), *log_end = log_end_.data() + at(r),
                 *active_w = active_w_.data() + at(r);
    double *in_time = in_time_.data() + at(r), *energy_j = energy_j_.data() + at(r);
    // Looked up first, so that the arithmetic behind it is vectorised.
    double *within = within_.data(), *within_mean = within_mean_.data();
    const double limit_at = row.anytime ? stop_at : finish_at;
    for (size_t c = 0; c < caps_; ++c) {
      const RegimeHistogram::Part part = slowdown_.up_to(limit_at - log_end[c]);
      in_time[c] = within[c] = part.share;
      within_mean[c] = part.mean;
    }
    if (row.anytime) {
      for (size_t c = 0; c < caps_; ++c) {
        const double busy_s = end_s[c] * within_mean[c] + stop_s * (1 - within[c]);
        const double idle_s = std::max(0.0, period_s - busy_s);
        energy_j[c] = ratio * (active_w[c] * busy_s + idle_w * (idle_s - idle_charged_s));
      }
    } else {
      if (period_s != finish_s)
        for (size_t c = 0; c < caps_; ++c) {
          const RegimeHistogram::Part part = slowdown_.up_to(period_at - log_end[c]);
          within[c] = part.share;
          within_mean[c] = part.mean;
        }
      for (size_t c = 0; c < caps_; ++c) {
        const double idle_s = std::max(0.0, period_s * within[c] - end_s[c] * within_mean[c]);
        energy_j[c] = ratio * (active_w[c] * (end_s[c] * mean) + idle_w * (idle_s - idle_charged_s));
      }
    }
    double *accuracy = accuracy_.data() + at(r), *late = late_.data() + at(r);
    if (row.stage == 1) {
      for (size_t c = 0; c < caps_; ++c) {
        accuracy[c] = fail_accuracy + row.accuracy_step * in_time[c];
        late[c] = 1 - in_time[c];
      }
    } else {
      const double *before = accuracy_.data() + at(r - 1), *first_late = late_.data() + at(r - 1);
      for (size_t c = 0; c < caps_; ++c) {
        accuracy[c] = before[c] + row.accuracy_step * in_time[c];
        late[c] = first_late[c];
      }
    }
  }
}

// By halving: the least price whose choice is expected to reach the accuracy goal, or the greatest price
// whose choice stays within the energy budget.
void Price::find_first_price() {
  started_ = true;
  const double even = std::log(energy_worth_ / accuracy_worth_);
  double low = least_log_price_ = even + cheapest_log, high = most_log_price_ = even + dearest_log;
  const bool energy_task = goals_.task == Task::min_energy;
  for (int i = 0; i < first_price_halvings; ++i) {
    const double middle = (low + high) / 2;
    const size_t best = choose(middle);
    const bool lower =
        energy_task ? accuracy_[best] >= *goals_.accuracy : !(energy_j_[best] <= *goals_.energy_j);
    (lower ? high : low) = middle;
  }
  log_price_ = energy_task ? high : low;
}

double Price::log_price() const {
  const double sign = goals_.task == Task::min_energy ? 1 : -1;
  return std::clamp(log_price_ + sign * settings_.swing * asked_, least_log_price_, most_log_price_);
}

ALERT_VECTOR_CLONES size_t Price::choose(double log_price) {
  const size_t n = score_.size();
  const double price = std::exp(log_price), late_price = late_price_;
  const double floor = settings_.accuracy_floor.value_or(-infinity);
  const double *accuracy = accuracy_.data(), *energy_j = energy_j_.data(), *late = late_.data();
  double* score = score_.data();
  for (size_t i = 0; i < n; ++i) {
    const double cost = energy_j[i] - price * accuracy[i] + late_price * late[i];
    score[i] = accuracy[i] >= floor ? cost : infinity;
  }
  const double least = least_of(n, [=](size_t i) { return score[i]; });
  if (least < infinity) return first_with(n, [=](size_t i) { return score[i] <= least; });
  const double most = -least_of(n, [=](size_t i) { return -accuracy[i]; });
  return first_with(n, [=](size_t i) { return accuracy[i] >= most; });
}

size_t Price::choose_by_goal() {
  const size_t n = score_.size();
  const bool energy_task = goals_.task == Task::min_energy;
  const double *accuracy = accuracy_.data(), *energy_j = energy_j_.data();
  double floor = settings_.accuracy_floor.value_or(-infinity), budget_j = infinity;
  if (energy_task)
    floor = std::max(floor, *goals_.accuracy + asked_ * accuracy_worth_);
  else
    budget_j = *goals_.energy_j - asked_ * energy_worth_;
  double* score = score_.data();
  for (size_t i = 0; i < n; ++i) {
    const bool meets = accuracy[i] >= floor && energy_j[i] <= budget_j;
    score[i] = !meets ? infinity : energy_task ? energy_j[i] : -accuracy[i];
  }
  double least = least_of(n, [=](size_t i) { return score[i]; });
  if (least < infinity) return first_with(n, [=](size_t i) { return score[i] <= least; });
  for (size_t i = 0; i < n; ++i) score[i] = energy_task ? -accuracy[i] : energy_j[i];
  least = least_of(n, [=](size_t i) { return score[i]; });
  return first_with(n, [=](size_t i) { return score[i] <= least; });
}

void Price::observe(const Observation& o) {
  overhead_.observe(o.decide_s);
  Configuration seen = o.configuration;
  seen.stage = std::max(1, o.stages_finished);
  const bool lower_bound = o.stages_finished == 0;
  observed_ratio_ = (lower_bound ? o.busy_s : o.last_stage_end_s) /
                    (profile_.size_factor(seen.model, o.size) * profile_.latency_of(seen).mean_s);
  slowdown_.update(observed_ratio_, lower_bound);
  learn_power(o);
  account(o);
}

void Price::learn_power(const Observation& o) {
  const double gain = settings_.power_gain;
  const auto known = [](const std::optional<double>& value) {
    return value && std::isfinite(*value) && *value >= 0;
  };
  if (known(o.energy_j)) {
    // Sums, not ratios: a meter that is read less often than inputs come counts many as 0.
    measured_j_ += gain * (*o.energy_j - measured_j_);
    modelled_j_ += gain * (modelled_energy_j(o) - modelled_j_);
  }
  if (known(o.idle_power_w)) idle_w_ += gain * (*o.idle_power_w - idle_w_);
}

double Price::power_ratio() const {
  const bool usable = measured_j_ > 0 && modelled_j_ > 0;
  return usable ? std::clamp(measured_j_ / modelled_j_, 1 / most_power_ratio, most_power_ratio) : 1;
}

double Price::modelled_energy_j(const Observation& o) const {
  return profile_.active_power_of(o.configuration.model, o.configuration.cap) * o.busy_s +
         idle_w_ * (std::max(0.0, o.period_s - o.busy_s) - idle_charged_s_);
}

void Price::account(const Observation& o) {
  account_late(o.stage_delivered == 0);
  if (input_ < first_judged_) return;
  ++judged_;
  double delivered, expected;  // surplus over the goal, in inputs' worth
  if (goals_.task == Task::min_energy) {
    delivered = (o.accuracy - *goals_.accuracy) / accuracy_worth_;
    expected = (chosen_accuracy_ - *goals_.accuracy) / accuracy_worth_;
  } else {
    const bool measured = o.energy_j && std::isfinite(*o.energy_j);
    const double energy_j = measured ? *o.energy_j : power_ratio() * modelled_energy_j(o);
    delivered = (*goals_.energy_j - energy_j) / energy_worth_;
    expected = (*goals_.energy_j - chosen_energy_j_) / energy_worth_;
  }
  if (std::isfinite(delivered)) bank_ += delivered;

  const bool below = bank_ < 0;
  if (judged_ > settled_after && below && !below_)
    reserve_ = std::min(settings_.most_reserve, reserve_ + settings_.reserve_step);
  reserve_ = settings_.reserve + (reserve_ - settings_.reserve) * (1 - settings_.reserve_decay);
  below_ = below;

  asked_ = asked();
  const double step = settings_.gain * std::clamp(asked_ - expected, -1.0, 1.0);
  log_price_ = std::clamp(log_price_ + (goals_.task == Task::min_energy ? step : -step), least_log_price_,
                          most_log_price_);
}

void Price::account_late(bool late) {
  group_is_late_ = group_is_late_ || late;
  if (members_left_ > 1) return;
  const double target = grouped_ ? settings_.late_group_share : settings_.late_share;
  late_debt_ = std::max(late_debt_ + (group_is_late_ ? 1 : 0) - target,
                        grouped_ ? least_group_late_debt : least_late_debt);
  group_is_late_ = false;
  if (settings_.late_price)
    late_price_ = (grouped_ ? settings_.late_group_gain : settings_.late_gain) * energy_worth_ *
                  std::max(0.0, late_debt_);
}

double Price::asked() const {
  if (!settings_.bank) return 0;
  double inputs =
      std::clamp(static_cast<double>(judged_), settings_.shortest_inputs, settings_.longest_inputs);
  if (total_inputs_ > input_ + 1) inputs = static_cast<double>(total_inputs_ - input_ - 1);
  return std::clamp((reserve_ - bank_) / inputs, -settings_.most_asked, settings_.most_asked);
}

std::optional<Slowdown> Price::slowdown() const {
  return Slowdown{observed_ratio_, slowdown_.mean(), slowdown_.sd()};
}

}  // namespace alertbench
