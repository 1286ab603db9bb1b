// Whether the caps of hardware are in force. Reading a limit back does not tell: a lower or a higher one
// elsewhere, a locked register or a long averaging window stays unseen. So the power drawn under load is held
// against each cap.
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
  double cap_w = 0, drawn_w = 0;  // by the capped domain that draws most
  std::string domain;
  std::optional<bool>
      in_force;  // none: under the highest cap it draws no more than this one allows, so nothing can be told
};

struct CapCheck {
  double settle_s = 0, window_s = 0;  // under each cap: run without looking, then looked at
  std::vector<ObservedCap> caps;      // empty where no hardware caps, or nothing is counted

  std::vector<std::string> problems() const;  // of caps that are not in force
  // Where profile and recording, which change the cap before every execution, may not give it the time to
  // take hold.
  std::vector<std::string> warnings(const Profile& profile) const;
};
nlohmann::ordered_json to_json(const CapCheck& check);

// Runs the bench's networks in turn, on the input fed last, under each of `caps_w` (rising), and leaves the
// caps restored. A cap counts as in force where at most 1.1 times as much is drawn. RunError where
// interrupted, or where the counter fails.
CapCheck check_caps(NetworkBench& bench, PowerBackend& power, const std::vector<double>& caps_w,
                    Clock& clock);

}  // namespace alertbench
