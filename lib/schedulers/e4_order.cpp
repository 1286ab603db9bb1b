#include "schedulers/e4_order.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "schedulers/candidates.h"

namespace alertbench {

E4OrderSettings E4OrderSettings::read(JsonReader reader) {
  E4OrderSettings s;
  s.margin = reader.number("margin", s.margin, 0, 0.999);
  reader.finish();
  return s;
}

nlohmann::ordered_json E4OrderSettings::to_json() const { return {{"margin", margin}}; }

E4Order::E4Order(const SchedulerInputs& inputs, const E4OrderSettings& settings)
    : profile_(inputs.profile), share_(1 - settings.margin), slowdown_(SlowdownConstants::paper()) {
  for (const Configuration& c : configurations_by_name(profile_))
    if (c.cap == profile_.caps() - 1) by_accuracy_.push_back(c);
  const auto latency_s = [&](const Configuration& c) { return profile_.latency_of(c).mean_s; };
  const auto accuracy = [&](const Configuration& c) {
    return profile_.models[static_cast<size_t>(c.model)].accuracy[static_cast<size_t>(c.stage - 1)];
  };
  fastest_ = *std::min_element(by_accuracy_.begin(), by_accuracy_.end(),
                               [&](const auto& a, const auto& b) { return latency_s(a) < latency_s(b); });
  std::stable_sort(by_accuracy_.begin(), by_accuracy_.end(), [&](const auto& a, const auto& b) {
    return std::make_pair(-accuracy(a), latency_s(a)) < std::make_pair(-accuracy(b), latency_s(b));
  });
}

bool E4Order::fits(const Configuration& c, double time_s, double size) const {
  return profile_.latency_of(c).mean_s * slowdown_.mean() * profile_.size_factor(c.model, size) <= time_s;
}

Configuration E4Order::decide(const Context& context) {
  const double time_s = share_ * context.deadline_from_start_s;
  for (const Configuration& best : by_accuracy_) {
    if (!fits(best, time_s, context.size)) continue;
    Configuration c = best;
    for (c.cap = 0; c.cap < best.cap && !fits(c, time_s, context.size);) ++c.cap;
    return c;
  }
  return fastest_;
}

void E4Order::observe(const Observation& o) {
  Configuration c = o.configuration;
  c.stage = std::max(1, o.stages_finished);
  const double measured_s = o.stages_finished > 0 ? o.last_stage_end_s : o.busy_s;
  const double profiled_s = profile_.latency_of(c).mean_s * profile_.size_factor(c.model, o.size);
  observed_ = measured_s / profiled_s;
  slowdown_.update(observed_);
}

std::optional<Slowdown> E4Order::slowdown() const {
  return Slowdown{observed_, slowdown_.mean(), std::sqrt(slowdown_.variance())};
}

}  // namespace alertbench
