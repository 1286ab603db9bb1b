// Every field of a trace, listed once: these tables write traces, read them, and are what trace.schema.json
// and the tables of docs/file-formats.md are made from. A test holds both against the tables, and says how to
// make them again. A new field is a row here, and its value in InputRecord.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/goal_judge.h"
#include "trace/field.h"
#include "trace/input_record.h"

namespace alertbench {

struct TraceHeader {
  std::string tool_version = "unknown";
  std::string scheduler, scenario;
  Goals goals;                              // `setting` and `task` of the trace come from here
  std::string energy_source = "model";      // model | rapl | nvml | sensor
  std::string accuracy_source = "profile";  // profile | measured
  std::string mode = "live";                // live | replay
  std::optional<std::string> co_runner;     // name of what runs beside the network in the on phases
  std::optional<std::string> co_runner_description;
  std::string manifest = "../manifest.json";  // relative to the trace
};

// What the line of an input is written from. `model` and `co_runner` are JSON texts.
struct InputLine {
  const InputRecord& record;
  std::string_view model;
  double cap_w;
  std::string_view co_runner;
};
inline const InputRecord& record_of(const InputLine& line) { return line.record; }

// One input as a trace holds it: the network by name, the cap in watts. What is null in the file is empty
// here, in a prediction or a slow-down factor NaN. A trace does not have `goals`, `opens_group` and the
// indices of `configuration`.
struct TraceInput : InputRecord {
  std::string model;
  double cap_w = 0;
  std::optional<std::string> co_runner;
};

struct TraceEnd {
  int64_t inputs = 0;  // lines of inputs in this file
  std::string status;  // complete | partial
  std::string reason;  // why partial, else empty
  std::optional<GoalVerdict> verdict;
};

using HeaderField = fields::Field<TraceHeader, TraceHeader>;
using InputField = fields::Field<InputLine, TraceInput>;
using EndField = fields::Field<TraceEnd, TraceEnd>;

fields::Rows<HeaderField> header_fields();
fields::Rows<InputField> input_fields();
fields::Rows<EndField> end_fields();

}  // namespace alertbench
