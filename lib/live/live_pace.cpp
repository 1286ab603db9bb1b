#include "live/live_pace.h"

#include <algorithm>

namespace alertbench {

LivePace::LivePace(const NetworkBench& bench, const Scenario& scenario, const Profile& profile)
    : bench_(bench) {
  if (scenario.record_pace == "live" && !scenario.goals.empty())
    deadline_s_ = scenario.goals[0].resolve(profile).deadline_s;
}

double LivePace::rest_s(int64_t input, double latency_s) const {
  if (!deadline_s_) return 0;
  const auto follows = [&](int64_t n) {
    return n > 0 && bench_.facts(n).members_left == bench_.facts(n - 1).members_left - 1;
  };
  if (follows(input)) return 0;
  int64_t members = std::max<int64_t>(
      1, bench_.facts(input).members_left);  // of the group before; of none: as many as of this one
  if (input > 0) {
    int64_t first = input - 1;
    while (follows(first)) --first;
    members = input - first;
  }
  return static_cast<double>(members) * std::max(0.0, *deadline_s_ - latency_s);
}

void LivePace::lead_in(StagedModel& network, const CappedExecution& capped, int64_t input, double latency_s,
                       bool first, Clock& clock) const {
  if (!deadline_s_) return;
  if (first) capped.run(network, network.stages());
  clock.sleep_until(clock.now_s() + rest_s(input, latency_s));
}

double LivePace::pass_s(const Profile& profile, int64_t input) const {
  double sum_s = 0;
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m)
    for (int c = 0; c < profile.caps(); ++c) {
      const double latency_s =
          profile.latency_of({m, profile.models[static_cast<size_t>(m)].stages(), c}).mean_s;
      sum_s += latency_s + rest_s(input, latency_s);
      if (deadline_s_ && c == 0)
        sum_s += latency_s;  // under which cap the lead-in runs turns: the slowest counts
    }
  return sum_s;
}

}  // namespace alertbench
