#include "trace/trace_reader.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

using nlohmann::json;

// How the lines after a header are read.
struct Format {
  SchemaVersion version = *parse_schema_version(trace_schema_version);
  UnknownKeys unknown = UnknownKeys::refused;
};

template <class Table, class Record>
Record read_line(const json& line, const std::string& where, const Format& format, const Table& table,
                 Record record) {
  fields::read_object(JsonReader(line, where, format.unknown), table, format.version, record);
  return record;
}

// Fills `format` with what the header says.
TraceHeader header_of(const json& line, const std::string& where, Format& format) {
  JsonReader reader(line, where);
  format.version = reader.version(trace_schema_version);
  format.unknown = reader.unknown_keys();
  TraceHeader header;
  header.goals.judge = Judge::strict;  // version 1.0 knew no other, and no tolerance
  header.goals.tolerance = {0, 0};
  return read_line(line, where, format, header_fields(), std::move(header));
}

std::string kind_of(const json& line, const std::string& where) {
  JsonReader reader(line, where);
  return reader.one_of("record", reader.text("record"), {"header", "input", "end"});
}

}  // namespace

void check_trace_line(const json& line, const std::string& where) {
  Format format;
  const std::string record = kind_of(line, where);
  if (record == "header") header_of(line, where, format);
  if (record == "input") read_line(line, where, format, input_fields(), TraceInput{});
  if (record == "end") read_line(line, where, format, end_fields(), TraceEnd{});
}

TraceFile read_trace(const std::string& path) {
  std::vector<TraceInput> inputs;
  TraceFile trace =
      read_trace(path, [&](const TraceFile&, TraceInput&& input) { inputs.push_back(std::move(input)); });
  trace.inputs = std::move(inputs);
  return trace;
}

TraceFile read_trace(const std::string& path,
                     const std::function<void(const TraceFile&, TraceInput&&)>& use) {
  TraceFile trace;
  Format format;
  bool begun = false, ended = false, warmup_before = false;
  int64_t inputs = 0, before = 0;
  trace.torn_line = read_json_lines(path, [&](const json& line, int64_t number) {
    const std::string where = fmt::format("{}: line {}", path, number);
    const std::string record = kind_of(line, where);
    if (ended) throw InputError(fmt::format("{}: comes after the end record", where));
    if (begun == (record == "header"))
      throw InputError(fmt::format("{}: a trace starts with its header, and has only one", where));
    begun = true;
    if (record == "header") {
      trace.header = header_of(line, where, format);
    } else if (record == "input") {
      TraceInput input = read_line(line, where, format, input_fields(), TraceInput{});
      if (inputs > 0 && input.warmup == warmup_before && input.input <= before)
        throw InputError(fmt::format("{}: input: {} comes after {}", where, input.input, before));
      before = input.input;
      warmup_before = input.warmup;
      ++inputs;
      use(trace, std::move(input));
    } else {
      const TraceEnd end = read_line(line, where, format, end_fields(), TraceEnd{});
      if (end.inputs != inputs)
        throw InputError(fmt::format("{}: inputs: {}, but the file contains {}", where, end.inputs, inputs));
      ended = true;
      trace.status = end.status;
      trace.reason = end.reason;
      trace.verdict = end.verdict;
    }
  });
  if (!begun) throw InputError(fmt::format("{}: line 1: not a trace header", path));
  if (ended && trace.torn_line)
    throw InputError(fmt::format("{}: line {}: comes after the end record", path, trace.torn_line));
  if (!ended) {
    trace.status = "partial";
    trace.reason = trace.torn_line ? fmt::format("line {} is truncated: the run was killed", trace.torn_line)
                                   : "the end record is missing: the run was killed";
  }
  return trace;
}

}  // namespace alertbench
