// Checks whether hardware caps are in force. Reading a limit back is not enough: it does not reveal a lower
// or higher limit elsewhere, a locked register or a long averaging window. So the power drawn under load is
// compared with each cap.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/profile.h"
#include "live/network_bench.h"
#include "power/backend.h"

namespace alertbench {

struct ObservedCap {
  double cap_w = 0, drawn_w = 0;  // by the capped domain that draws the most power
  std::string domain;
  // nullopt: even under the highest cap the load draws no more than this cap allows, so nothing can be said.
  std::optional<bool> in_force;
};

struct CapCheck {
  double settle_s = 0, window_s = 0;  // under each cap: the time to settle, and the time observed after it
  std::vector<ObservedCap> caps;      // empty without hardware caps or without an energy counter

  std::vector<std::string> problems() const;  // one for each cap that is not in force
  // Warns if profiling and recording, which change the cap before every execution, may not leave it enough
  // time to take effect.
  std::vector<std::string> warnings(const Profile& profile) const;
};
nlohmann::ordered_json to_json(const CapCheck& check);

// Runs the bench's networks in turn, on the input fed last, under each of `caps_w` (in increasing order), and
// restores the caps afterwards. A cap counts as in force if at most 1.1 times its power is drawn. RunError if
// interrupted, or if the counter fails.
CapCheck check_caps(NetworkBench& bench, PowerBackend& power, const std::vector<double>& caps_w,
                    Clock& clock);

}  // namespace alertbench
