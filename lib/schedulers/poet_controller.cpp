#include "schedulers/poet_controller.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace alertbench {
namespace {

std::vector<double> speedups(const Profile& profile, int model, int stage) {
  std::vector<double> result;
  for (int c = 0; c < profile.caps(); ++c)
    result.push_back(profile.latency_of({model, stage, 0}).mean_s /
                     profile.latency_of({model, stage, c}).mean_s);
  return result;
}

std::vector<double> powers(const Profile& profile, int model) {
  std::vector<double> result;
  for (int c = 0; c < profile.caps(); ++c) result.push_back(profile.active_power_of(model, c));
  return result;
}

}  // namespace

PoetSettings PoetSettings::read(JsonReader reader) {
  PoetSettings s;
  s.window = reader.integer("window", s.window, 1, 1000000);
  s.pole = reader.number("pole", s.pole, 0, 0.999);
  s.margin = reader.number("margin", s.margin, 0, 0.999);
  s.process_noise = reader.number("process_noise", s.process_noise, 0, 1e300);
  s.measurement_noise = reader.number("measurement_noise", s.measurement_noise, 1e-12, 1e300);
  s.base_speed = reader.number("base_speed", s.base_speed, 1e-12, 1e300);
  s.variance = reader.number("variance", s.variance, 0, 1e300);
  reader.finish();
  return s;
}

nlohmann::ordered_json PoetSettings::to_json() const {
  return {{"window", window},
          {"pole", pole},
          {"margin", margin},
          {"process_noise", process_noise},
          {"measurement_noise", measurement_noise},
          {"base_speed", base_speed},
          {"variance", variance}};
}

PoetController::PoetController(std::vector<double> speedup, std::vector<double> power_w,
                               const PoetSettings& settings)
    : speedup_(std::move(speedup)),
      power_w_(std::move(power_w)),
      settings_(settings),
      max_speedup_(*std::max_element(speedup_.begin(), speedup_.end())),
      base_speed_(settings.base_speed),
      variance_(settings.variance),
      wanted_(max_speedup_),
      applied_(max_speedup_) {}

PoetController::PoetController(const Profile& profile, int model, int stage, const PoetSettings& settings)
    : PoetController(speedups(profile, model, stage), powers(profile, model), settings) {}

int PoetController::cap(double deadline_s) {
  if (slow_left_ + fast_left_ == 0) plan(deadline_s);
  if (slow_left_ > 0) {
    --slow_left_;
    return slow_cap_;
  }
  --fast_left_;
  return fast_cap_;
}

void PoetController::observe(double latency_s) {
  if (!(std::isfinite(latency_s) && latency_s > 0)) return;
  window_s_ += latency_s;
  ++observed_;
}

void PoetController::plan(double deadline_s) {
  if (observed_ > 0) {
    const double rate = observed_ / window_s_;
    const double goal = 1 / std::max(1e-12, (1 - settings_.margin) * deadline_s);
    const double s = applied_;
    variance_ += settings_.process_noise;
    const double gain = variance_ * s / (s * variance_ * s + settings_.measurement_noise);
    base_speed_ = std::max(1e-12, base_speed_ + gain * (rate - s * base_speed_));
    variance_ *= 1 - gain * s;
    wanted_ = std::clamp(s + (1 - settings_.pole) * (goal - rate) / base_speed_, 1.0, max_speedup_);
  }
  window_s_ = 0;
  observed_ = 0;
  share_window();
}

void PoetController::share_window() {
  constexpr double rounding = 1e-9;
  const int caps = static_cast<int>(speedup_.size()), w = settings_.window;
  const double s = wanted_;
  double least = std::numeric_limits<double>::infinity();
  for (int u = 0; u < caps; ++u)
    for (int o = 0; o < caps; ++o) {
      const double su = speedup_[static_cast<size_t>(u)], so = speedup_[static_cast<size_t>(o)];
      if (su > s || so < s) continue;
      const double share = so > su ? su * (so - s) / (s * (so - su)) : 0;
      const int slow = std::clamp(static_cast<int>(w * share + rounding), 0, w);
      const double slow_time = slow / su, fast_time = (w - slow) / so;
      const double cost =
          slow_time * power_w_[static_cast<size_t>(u)] + fast_time * power_w_[static_cast<size_t>(o)];
      if (cost >= least) continue;
      least = cost;
      slow_cap_ = u;
      fast_cap_ = o;
      slow_left_ = slow;
      fast_left_ = w - slow;
      applied_ = w / (slow_time + fast_time);
    }
}

}  // namespace alertbench
