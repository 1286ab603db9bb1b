// One input of one scheduler, as the trace holds it.
#pragma once

#include <optional>
#include <string>

#include "core/goal_judge.h"
#include "core/types.h"

namespace alertbench {

// Of traces. A new field makes a new minor version: older programs then ignore the field, and newer ones know
// since when it is there.
constexpr const char* trace_schema_version = "1.1";

struct InputRecord {
  int64_t input = 0;
  bool warmup = false;
  bool opens_group = true;  // false for the later members of a group
  std::string input_id;     // file name or index in the data set; may be empty
  double arrival_s = 0;
  double deadline_from_arrival_s = 0;  // to plan with; of a group's member its share
  Goals goals;
  Configuration configuration;
  Outcome outcome;
  std::optional<double> decide_s;  // none in replay
  std::optional<Slowdown> slowdown;
  std::optional<Prediction> prediction;
  Violations violations;
};

}  // namespace alertbench
