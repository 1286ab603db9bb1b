// The time that a scheduler keeps free for its own decisions.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"

namespace alertbench {

struct OverheadSettings {
  // Subtract the time of the longest decision so far from the deadline. The first `warmup` decisions run on
  // cold caches and are ignored.
  bool on = true;
  int warmup = 5;

  // The keys "overhead" and "overhead_warmup" of a scheduler's settings.
  void read(JsonReader& reader) {
    on = reader.boolean("overhead", on);
    warmup = reader.integer("overhead_warmup", warmup, 0, 1 << 30);
  }
  void write(nlohmann::ordered_json& out) const {
    out["overhead"] = on;
    out["overhead_warmup"] = warmup;
  }
};

class DecisionOverhead {
 public:
  explicit DecisionOverhead(const OverheadSettings& settings) : settings_(settings) {}

  double seconds() const { return settings_.on ? longest_s_ : 0; }
  void observe(double decide_s) {
    if (decisions_++ >= settings_.warmup) longest_s_ = std::max(longest_s_, decide_s);
  }

 private:
  const OverheadSettings settings_;
  double longest_s_ = 0;
  int decisions_ = 0;
};

}  // namespace alertbench
