#include "schedulers/joule_guard.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "schedulers/feedback.h"

namespace alertbench {
namespace {

constexpr int64_t inputs_if_unknown = 1000;
constexpr double least_power_w = 1e-6;  // above idle: a meter's noise must not make it 0 or less

int64_t budgeted_inputs(const SchedulerInputs& inputs, const JouleGuardSettings& settings) {
  if (settings.inputs) return *settings.inputs;
  if (!inputs.total_inputs) return inputs_if_unknown;
  return std::max<int64_t>(1, *inputs.total_inputs - inputs.first_judged);
}

}  // namespace

JouleGuardSettings JouleGuardSettings::read(JsonReader reader) {
  JouleGuardSettings s;
  s.start = reader.one_of("start", s.start, {"optimistic", "profile"});
  s.seed = reader.seed("seed", s.seed);
  s.weight = reader.number("weight", s.weight, 0.001, 1);
  s.sigma = reader.number("sigma", s.sigma, 1e-6, 1e6);
  s.exploration = reader.number("exploration", s.exploration, 0, 1);
  if (reader.has("inputs")) s.inputs = reader.integer("inputs", 1, 1'000'000'000);
  reader.finish();
  return s;
}

nlohmann::ordered_json JouleGuardSettings::to_json() const {
  nlohmann::ordered_json out = {
      {"start", start},   {"seed", seed}, {"weight", weight}, {"sigma", sigma}, {"exploration", exploration},
      {"inputs", nullptr}};
  if (inputs) out["inputs"] = *inputs;
  return out;
}

JouleGuard::JouleGuard(const SchedulerInputs& inputs, const JouleGuardSettings& settings)
    : profile_(inputs.profile),
      settings_(settings),
      budget_j_(inputs.goals.task == Task::min_error ? inputs.goals.energy_j : std::nullopt),
      deadline_s_(inputs.goals.deadline_s),
      first_judged_(inputs.first_judged),
      horizon_(budgeted_inputs(inputs, settings)),
      rungs_(accuracy_ladder(inputs.profile)),
      random_(settings.seed),
      exploration_(settings.exploration) {
  const Rung& reference = rungs_.front();
  const auto latency_s = [&](int cap) {
    return profile_.latency_of({reference.model, reference.stage, cap}).mean_s;
  };
  const int caps = profile_.caps();
  for (int c = 0; c < caps; ++c) {
    const double cap_w = profile_.caps_w[static_cast<size_t>(c)];
    const bool profiled = settings.start == "profile";
    rate_.push_back(profiled ? 1 / latency_s(c)
                             : std::cbrt(cap_w / profile_.caps_w.back()) / latency_s(caps - 1));
    power_w_.push_back(
        std::max(least_power_w,
                 (profiled ? profile_.active_power_of(reference.model, c) : cap_w) - profile_.idle_power_w));
  }
  const size_t best = best_cap();
  best_efficiency_ = rate_[best] / power_w_[best];
  inputs_left_ = horizon_;
  if (!budget_j_) return;
  joules_left_ = *budget_j_ * static_cast<double>(horizon_);
  plan(rate_[best], 1);
}

size_t JouleGuard::best_cap() const {
  size_t best = 0;
  for (size_t c = 1; c < rate_.size(); ++c)
    if (rate_[c] * power_w_[best] > rate_[best] * power_w_[c]) best = c;
  return best;
}

Configuration JouleGuard::decide(const Context& context) {
  input_ = context.input;
  idle_charged_s_ = context.idle_charged_s;
  const size_t cap =
      random_.uniform() < exploration_ ? static_cast<size_t>(random_.below(rate_.size())) : best_cap();
  rung_ = 0;
  while (rung_ + 1 < rungs_.size() && rungs_[rung_].speedup < speedup_) ++rung_;
  return {rungs_[rung_].model, rungs_[rung_].stage, static_cast<int>(cap)};
}

void JouleGuard::observe(const Observation& o) {
  const MeasuredPower power(profile_, o, idle_charged_s_);
  const int last_cap = profile_.caps() - 1;
  const double reference_s =
      profile_.latency_of({rungs_.front().model, rungs_.front().stage, last_cap}).mean_s;
  const double sample = 1 / (reference_s * measured_ratio(profile_, o, last_cap));
  const double sample_w = std::max(least_power_w, power.active_w - power.idle_w);
  if (budget_j_ && input_ >= first_judged_) {
    joules_left_ -= power.energy_j;
    if (--inputs_left_ == 0) {
      inputs_left_ = horizon_;
      joules_left_ += *budget_j_ * static_cast<double>(horizon_);
    }
  }
  if (!(std::isfinite(sample) && sample > 0 && std::isfinite(sample_w))) return;

  double& rate = rate_[static_cast<size_t>(o.configuration.cap)];
  double& power_w = power_w_[static_cast<size_t>(o.configuration.cap)];
  const double error = settings_.weight * (sample / sample_w - rate / power_w) / best_efficiency_;
  const double fades = std::exp(-std::abs(error) / settings_.sigma);
  exploration_ += ((1 - fades) / (1 + fades) - exploration_) / static_cast<double>(rate_.size());
  const double off = std::max(sample / rate, rate / sample);
  rate += settings_.weight * (sample - rate);
  power_w += settings_.weight * (sample_w - power_w);
  if (budget_j_) plan(sample * rungs_[rung_].speedup, off);
}

void JouleGuard::plan(double rate, double off) {
  const size_t best = best_cap();
  const auto left = static_cast<double>(inputs_left_);
  const double above_idle_j = joules_left_ - left * profile_.idle_power_w * deadline_s_;
  const double pole = off > 2 ? 1 - 2 / off : 0;
  const double wanted = above_idle_j > 0 ? left * power_w_[best] / above_idle_j : infinity;
  speedup_ = std::clamp(speedup_ + (1 - pole) * (wanted - rate) / rate_[best], 1.0, rungs_.back().speedup);
}

}  // namespace alertbench
