// The parts of a verdict that summary.json and evaluation.json share: the judgement of goals as means, and
// the bound of an oracle.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_reader.h"
#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct MeanReading {
  bool violated = false, violated_exact = false;  // with and without tolerance
  Shortfall shortfall;
};

nlohmann::ordered_json mean_reading_json(const MeanReading& reading);
MeanReading read_mean_reading(JsonReader reader);  // strict; InputError

nlohmann::ordered_json bound_json(const std::optional<Bound>& bound);  // null if there is none
std::optional<Bound> read_bound(JsonReader& parent);  // reads the key "bound" of `parent`; strict; InputError

}  // namespace alertbench
