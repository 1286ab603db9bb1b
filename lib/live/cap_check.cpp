#include "live/cap_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "live/capped_execution.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr double over_cap = 1.1;  // a cap is an average; meters and limits have their tolerances
constexpr double shortest_window_s = 0.3, slow_settle_s = 1;

// What capped domains have counted, by name: one by one where the counter knows them apart, else together.
struct Counted {
  double at_s = 0;
  std::vector<std::pair<std::string, double>> domains;
};

Counted read(EnergyCounter& counter) {
  const auto reading = counter.read();
  if (!reading) throw RunError(fmt::format("checking the caps: {}", fmt::join(counter.problems(), "; ")));
  Counted c;
  c.at_s = reading->at_s;
  const std::vector<double> totals_j = counter.totals_j();
  const std::vector<EnergyDomain> domains = counter.domains();
  for (size_t d = 0; d < totals_j.size(); ++d)
    if (domains[d].capped) c.domains.emplace_back(domains[d].name, totals_j[d]);
  if (c.domains.empty()) c.domains.emplace_back("the capped domain", reading->capped_j);
  return c;
}

void run_until(double end_s, NetworkBench& bench, const CappedExecution& capped, Clock& clock) {
  for (int m = 0; clock.now_s() < end_s; m = (m + 1) % bench.models()) {
    if (interrupted()) throw RunError("interrupted while the caps were being checked");
    capped.run(bench.model(m), bench.model(m).stages());
  }
}

}  // namespace

CapCheck check_caps(NetworkBench& bench, PowerBackend& power, const std::vector<double>& caps_w,
                    Clock& clock) {
  CapCheck check;
  if (!power.counter || !power.caps->by_hardware()) return check;
  const double refreshes_s = fewest_refreshes * power.counter->refresh_interval_s();
  check.settle_s = std::max(power.caps->settle_s(), refreshes_s);
  check.window_s = std::max(shortest_window_s, refreshes_s);
  CappedExecution capped(*power.caps, clock);
  for (const double cap_w : caps_w) {
    capped.set_cap(cap_w);
    run_until(clock.now_s() + check.settle_s, bench, capped, clock);
    const Counted from = read(*power.counter);
    run_until(from.at_s + check.window_s, bench, capped, clock);
    const Counted to = read(*power.counter);
    ObservedCap seen;
    seen.cap_w = cap_w;
    for (size_t d = 0; d < to.domains.size(); ++d)
      if (const double drawn_w = (to.domains[d].second - from.domains[d].second) / (to.at_s - from.at_s);
          drawn_w >= seen.drawn_w) {
        seen.drawn_w = drawn_w;
        seen.domain = to.domains[d].first;
      }
    check.caps.push_back(seen);
  }
  power.caps->restore();
  for (ObservedCap& c : check.caps) {
    if (c.drawn_w > over_cap * c.cap_w)
      c.in_force = false;
    else if (check.caps.back().drawn_w > c.cap_w)
      c.in_force = true;
  }
  return check;
}

std::vector<std::string> CapCheck::problems() const {
  std::vector<std::string> all;
  for (const ObservedCap& c : caps)
    if (c.in_force == false)
      all.push_back(
          fmt::format("power: {} drew {:.1f} W under a cap of {} W, {:.2f} s after it was set: the cap is "
                      "not in force (another limit, "
                      "firmware that ignores it?)",
                      c.domain, c.drawn_w, c.cap_w, settle_s));
  return all;
}

std::vector<std::string> CapCheck::warnings(const Profile& profile) const {
  const double reference_s = profile.reference_latency_s();
  if (caps.empty() || settle_s < slow_settle_s || reference_s >= settle_s) return {};
  return {
      fmt::format("power: a cap may take {:.1f} s to take effect here, but profiling and recording change "
                  "the cap before every execution ({:.0f} ms): their values for one cap mix with those of "
                  "its neighbours; live, a scheduler that keeps its cap runs under the cap itself",
                  settle_s, 1e3 * reference_s)};
}

ordered_json to_json(const CapCheck& check) {
  ordered_json caps = ordered_json::array();
  for (const ObservedCap& c : check.caps)
    caps.push_back({{"cap_w", c.cap_w},
                    {"drawn_w", c.drawn_w},
                    {"domain", c.domain},
                    {"in_force", c.in_force ? ordered_json(*c.in_force) : ordered_json()}});
  return {{"settle_s", check.settle_s}, {"window_s", check.window_s}, {"caps", caps}};
}

}  // namespace alertbench
