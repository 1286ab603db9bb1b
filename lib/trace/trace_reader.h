// Reads traces back, and says whether a line keeps the contract. It reads trace_schema_version and "1.0"
// (version 0.1: goals judged input by input, no verdict).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/goal_judge.h"
#include "core/types.h"
#include "trace/trace_writer.h"

namespace alertbench {

// One input as a trace holds it: models by name, caps in watts. What is null in the file is empty here, in a
// prediction or a slow-down NaN.
struct TraceInput {
  int64_t input = 0;
  bool warmup = false;
  std::string input_id;
  double arrival_s = 0, deadline_s = 0;
  std::string model;
  int stage_target = 0;
  double cap_w = 0;
  int stage_delivered = 0;
  std::vector<double> stage_end_s;
  double latency_s = 0, busy_s = 0, wait_s = 0, overshoot_s = 0;
  bool stopped = false;
  std::optional<double> decide_s;
  double accuracy = 0;
  std::optional<Correctness> correct;
  std::optional<double> energy_j, active_power_w, idle_power_w;
  std::optional<Slowdown> slowdown;
  std::optional<Prediction> prediction;
  std::optional<std::string> co_runner;
  Violations violations;
};

struct TraceFile {
  TraceHeader header;
  std::vector<TraceInput> inputs;
  std::string status;                  // complete | partial; partial as well where the end is missing
  std::string reason;                  // why partial, else empty
  std::optional<GoalVerdict> verdict;  // as far as the end record has it
  int64_t torn_line = 0;               // number of a last line that was cut short and left out; 0: none
};

// InputError names file, line and key. One torn last line is tolerated, and so is a missing end: a killed
// run.
TraceFile read_trace(const std::string& path);

// The contract of one line (keys, types, ranges, what may be null): InputError, its message opened by
// `where`.
void check_trace_line(const nlohmann::json& line, const std::string& where);

}  // namespace alertbench
