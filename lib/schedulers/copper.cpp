#include "schedulers/copper.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace alertbench {
namespace {

constexpr double copper_lowest_rate = 1e-100, copper_highest_rate = 1e100;  // between them nothing overflows

int nearest_cap(const std::vector<double>& caps_w, double wanted_w) {
  int nearest = 0;
  for (size_t c = 1; c < caps_w.size(); ++c)  // of two as near the higher
    if (std::abs(caps_w[c] - wanted_w) <= std::abs(caps_w[static_cast<size_t>(nearest)] - wanted_w))
      nearest = static_cast<int>(c);
  return nearest;
}

}  // namespace

CopperSettings CopperSettings::read(JsonReader reader) {
  CopperSettings s;
  s.network = reader.text("network", s.network);
  s.gain_limit = reader.number("gain_limit", s.gain_limit, 0, 0.999);
  s.window = reader.integer("window", s.window, 1, 1000000);
  reader.finish();
  return s;
}

nlohmann::ordered_json CopperSettings::to_json() const {
  return {{"network", network}, {"gain_limit", gain_limit}, {"window", window}};
}

CopperController::CopperController(double lowest_w, double highest_w, double gain_limit)
    : lowest_w_(lowest_w),
      highest_speedup_(highest_w / lowest_w),
      gain_limit_(gain_limit),
      speedup_(highest_speedup_) {}

double CopperController::cap_w(double rate, double goal) {
  rate = std::clamp(rate, copper_lowest_rate, copper_highest_rate);
  goal = std::clamp(goal, copper_lowest_rate, copper_highest_rate);
  const double error = goal - rate;
  base_speed_.update(rate, speedup_);
  speedup_ = std::clamp(speedup_ + error / base_speed_.value(), 1.0, highest_speedup_);
  if (!first_) {
    const double now = std::abs(error) / goal, before = std::abs(last_error_) / goal;
    const double gain = 1 - gain_limit_ / (std::abs(before - now) + 1) * (1 - 1 / (now + 1));
    speedup_ = std::clamp(gain * speedup_, 1.0, highest_speedup_);
  }
  first_ = false;
  last_error_ = error;
  return speedup_ * lowest_w_;
}

Copper::Copper(const SchedulerInputs& inputs, const CopperSettings& settings)
    : network_(inputs, "copper", settings.network),
      caps_w_(inputs.profile.caps_w),
      window_(settings.window),
      controller_(caps_w_.front(), caps_w_.back(), settings.gain_limit),
      cap_(inputs.profile.caps() - 1) {}

Configuration Copper::decide(const Context& context) {
  if (observed_ >= window_) {
    const double deadline_s = network_.deadline_s(context);
    const double goal = deadline_s > 0 ? 1 / deadline_s : copper_highest_rate;
    cap_ = nearest_cap(caps_w_, controller_.cap_w(observed_ / window_s_, goal));
    observed_ = 0;
    window_s_ = 0;
  }
  return network_.under(cap_);
}

void Copper::observe(const Observation& observation) {
  const double latency_s = network_.latency_s(observation);
  if (!(std::isfinite(latency_s) && latency_s > 0)) return;
  window_s_ += latency_s;
  ++observed_;
}

}  // namespace alertbench
