// Reads traces back, and says whether a line keeps the contract. It reads trace_schema_version, older minor
// versions (1.0: goals judged input by input, no verdict) and newer ones, of which it ignores unknown keys.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trace/trace_fields.h"

namespace alertbench {

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

// The same, one input at a time: `inputs` of the result stays empty, and the header is there from the first
// call of `use` on.
TraceFile read_trace(const std::string& path, const std::function<void(const TraceFile&, TraceInput&&)>& use);

// The contract of one line of trace_schema_version (keys, types, ranges, what may be null): InputError, its
// message opened by `where`.
void check_trace_line(const nlohmann::json& line, const std::string& where);

}  // namespace alertbench
