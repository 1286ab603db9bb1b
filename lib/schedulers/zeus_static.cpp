#include "schedulers/zeus_static.h"

#include <nlohmann/json.hpp>

#include "schedulers/fixed_network.h"

namespace alertbench {

ZeusStaticSettings ZeusStaticSettings::read(JsonReader reader) {
  ZeusStaticSettings s;
  s.network = reader.text("network", s.network);
  s.max_slowdown = reader.number("max_slowdown", s.max_slowdown, 1, 1e6);
  reader.finish();
  return s;
}

nlohmann::ordered_json ZeusStaticSettings::to_json() const {
  return {{"network", network}, {"max_slowdown", max_slowdown}};
}

ZeusStatic::ZeusStatic(const SchedulerInputs& inputs, const ZeusStaticSettings& settings) {
  const FixedNetwork network(inputs, "zeus-static", settings.network);
  const Profile& profile = inputs.profile;
  int cap = 0;
  const double limit_s = settings.max_slowdown * profile.latency_of(network.under(profile.caps() - 1)).mean_s;
  while (cap < profile.caps() - 1 && profile.latency_of(network.under(cap)).mean_s > limit_s) ++cap;
  configuration_ = network.under(cap);
}

}  // namespace alertbench
