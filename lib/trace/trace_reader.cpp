#include "trace/trace_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

using nlohmann::json;

constexpr double any = std::numeric_limits<double>::max();
constexpr const char* first_version = "1.0";
constexpr double above_zero = std::numeric_limits<double>::denorm_min();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct End {
  int64_t inputs = 0;
  std::string status, reason;
  std::optional<GoalVerdict> verdict;
};

// Null is a value here, a key that is not there an error.
void need_keys(JsonReader& reader, const json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (!object.contains(key)) reader.fail(key, "is missing; write null where it is unknown");
}

bool flag(JsonReader& reader, const std::string& key) {
  if (!reader.has(key)) reader.fail(key, "is missing; give true or false");
  return reader.boolean(key, false);
}

std::optional<bool> optional_flag(JsonReader& reader, const std::string& key) {
  if (!reader.has(key)) return {};
  return flag(reader, key);
}

std::optional<std::string> optional_text(JsonReader& reader, const std::string& key) {
  if (!reader.has(key)) return {};
  return reader.text(key);
}

std::string choice(JsonReader& reader, const std::string& key, const std::vector<std::string>& allowed) {
  return reader.one_of(key, reader.text(key), allowed);
}

int64_t count(JsonReader& reader, const std::string& key) {
  const json& value = reader.raw(key);
  if (!value.is_number_integer() || value.get<int64_t>() < 0)
    reader.fail(key, fmt::format("expected a whole number from 0, found {}", value.dump()));
  return value.get<int64_t>();
}

TraceHeader header_of(const json& line, const std::string& where) {
  JsonReader reader(line, where);
  choice(reader, "record", {"header"});
  const std::string version = reader.text("schema_version");
  if (version != trace_schema_version && version != first_version)
    reader.fail("schema_version", fmt::format("\"{}\" is not known; this program reads {} and {}", version,
                                              first_version, trace_schema_version));
  need_keys(reader, line, {"co_runner", "co_runner_description"});
  TraceHeader header;
  header.tool_version = reader.text("tool_version");
  header.scheduler = reader.text("scheduler");
  header.scenario = reader.text("scenario");
  header.goals.name = reader.text("setting");
  header.goals.task = choice(reader, "task", {"min_energy", "min_error"}) == "min_energy" ? Task::min_energy
                                                                                          : Task::min_error;
  JsonReader goals = reader.object("goals");
  need_keys(goals, line["goals"], {"accuracy", "energy_j"});
  header.goals.deadline_s = goals.number("deadline_s", above_zero, any);
  header.goals.accuracy = goals.optional_number("accuracy", 0, 1);
  header.goals.energy_j = goals.optional_number("energy_j", above_zero, any);
  if (version == first_version) {
    header.goals.judge = Judge::strict;
    header.goals.tolerance = {0, 0};
  } else {
    header.goals.judge = choice(goals, "judge", {"mean", "strict"}) == "strict" ? Judge::strict : Judge::mean;
    JsonReader tolerance = goals.object("goal_tolerance");
    header.goals.tolerance.accuracy = tolerance.number("accuracy", 0, 1);
    header.goals.tolerance.energy = tolerance.number("energy", 0, any);
    tolerance.finish();
  }
  goals.finish();
  header.energy_source = choice(reader, "energy_source", {"model", "rapl", "nvml", "sensor"});
  header.accuracy_source = choice(reader, "accuracy_source", {"profile", "measured"});
  header.mode = choice(reader, "mode", {"live", "replay"});
  header.co_runner = optional_text(reader, "co_runner");
  header.co_runner_description = optional_text(reader, "co_runner_description");
  header.manifest = reader.text("manifest");
  reader.finish();
  return header;
}

TraceInput input_of(const json& line, const std::string& where) {
  JsonReader reader(line, where);
  choice(reader, "record", {"input"});
  need_keys(reader, line,
            {"stage_end_s", "decide_s", "correct", "energy_j", "active_power_w", "idle_power_w", "slowdown",
             "predicted", "co_runner"});
  TraceInput input;
  input.input = count(reader, "input");
  input.warmup = flag(reader, "warmup");
  input.input_id = reader.text("input_id");
  input.arrival_s = reader.number("arrival_s", 0, any);
  input.deadline_s = reader.number("deadline_s", 0, any);
  input.model = reader.text("model");
  input.stage_target = reader.integer("stage_target", 1, max_stages);
  input.cap_w = reader.number("cap_w", above_zero, any);
  reader.raw("stage_end_s");
  input.stage_end_s = reader.numbers("stage_end_s", 0, any);
  for (size_t i = 1; i < input.stage_end_s.size(); ++i)
    if (input.stage_end_s[i] < input.stage_end_s[i - 1])
      reader.fail("stage_end_s", "falls from one stage to the next");
  if (static_cast<int>(input.stage_end_s.size()) > max_stages)
    reader.fail("stage_end_s",
                fmt::format("has {} stages, more than {}", input.stage_end_s.size(), max_stages));
  input.stage_delivered = reader.integer("stage_delivered", 0, input.stage_target);
  if (input.stage_delivered > static_cast<int>(input.stage_end_s.size()))
    reader.fail("stage_delivered",
                fmt::format("{}, but only {} stages ended", input.stage_delivered, input.stage_end_s.size()));
  input.latency_s = reader.number("latency_s", 0, any);
  input.busy_s = reader.number("busy_s", 0, any);
  input.wait_s = reader.number("wait_s", 0, any);
  input.overshoot_s = reader.number("overshoot_s", 0, any);
  input.stopped = flag(reader, "stopped");
  input.decide_s = reader.optional_number("decide_s", 0, any);
  input.accuracy = reader.number("accuracy", 0, 1);
  if (reader.has("correct")) {
    JsonReader correct = reader.object("correct");
    input.correct = Correctness{flag(correct, "top1"), optional_flag(correct, "top5"),
                                correct.optional_number("nll", 0, any), correct.optional_number("f1", 0, 1),
                                correct.optional_number("guess_nll", 0, any)};
    correct.finish();
  }
  input.energy_j = reader.optional_number("energy_j", 0, any);
  input.active_power_w = reader.optional_number("active_power_w", 0, any);
  input.idle_power_w = reader.optional_number("idle_power_w", 0, any);
  if (reader.has("slowdown")) {
    JsonReader slowdown = reader.object("slowdown");
    need_keys(slowdown, line["slowdown"], {"observed", "mean", "sd"});
    input.slowdown = Slowdown{slowdown.optional_number("observed", -any, any).value_or(nan),
                              slowdown.optional_number("mean", -any, any).value_or(nan),
                              slowdown.optional_number("sd", 0, any).value_or(nan)};
    slowdown.finish();
  }
  if (reader.has("predicted")) {
    JsonReader predicted = reader.object("predicted");
    need_keys(predicted, line["predicted"], {"latency_s", "p_deadline", "accuracy", "energy_j"});
    input.prediction = Prediction{predicted.optional_number("latency_s", -any, any).value_or(nan),
                                  predicted.optional_number("p_deadline", 0, 1).value_or(nan),
                                  predicted.optional_number("accuracy", 0, 1).value_or(nan),
                                  predicted.optional_number("energy_j", -any, any).value_or(nan)};
    predicted.finish();
  }
  input.co_runner = optional_text(reader, "co_runner");
  JsonReader violations = reader.object("violations");
  need_keys(violations, line["violations"], {"accuracy", "energy"});
  input.violations.deadline = flag(violations, "deadline");
  input.violations.accuracy = optional_flag(violations, "accuracy");
  input.violations.energy = optional_flag(violations, "energy");
  input.violations.mean_accuracy = optional_flag(violations, "mean_accuracy");
  input.violations.mean_energy = optional_flag(violations, "mean_energy");
  violations.finish();
  reader.finish();
  return input;
}

End end_of(const json& line, const std::string& where) {
  JsonReader reader(line, where);
  choice(reader, "record", {"end"});
  need_keys(reader, line, {"reason"});
  End end;
  end.inputs = count(reader, "inputs");
  end.status = choice(reader, "status", {"complete", "partial"});
  end.reason = reader.text("reason", "");
  if (reader.has("verdict")) {
    JsonReader verdict = reader.object("verdict");
    GoalVerdict v;
    v.inputs = count(verdict, "inputs");
    v.groups = count(verdict, "groups");
    v.late_share = verdict.number("late_share", 0, 1);
    v.mean_accuracy = verdict.number("mean_accuracy", 0, 1);
    v.mean_energy_j = verdict.optional_number("mean_energy_j", 0, any);
    v.violated_mean = flag(verdict, "violated_mean");
    v.violated_exact = flag(verdict, "violated_exact");
    v.violated_strict = flag(verdict, "violated_strict");
    verdict.finish();
    end.verdict = v;
  }
  reader.finish();
  return end;
}

std::string record_of(const json& line, const std::string& where) {
  JsonReader reader(line, where);
  return choice(reader, "record", {"header", "input", "end"});
}

}  // namespace

void check_trace_line(const json& line, const std::string& where) {
  const std::string record = record_of(line, where);
  if (record == "header") header_of(line, where);
  if (record == "input") input_of(line, where);
  if (record == "end") end_of(line, where);
}

TraceFile read_trace(const std::string& path) {
  TraceFile trace;
  bool begun = false, ended = false;
  trace.torn_line = read_json_lines(path, [&](const json& line, int64_t number) {
    const std::string where = fmt::format("{}: line {}", path, number);
    const std::string record = record_of(line, where);
    if (ended) throw InputError(fmt::format("{}: stands after the end record", where));
    if (begun == (record == "header"))
      throw InputError(fmt::format("{}: a trace opens with its header, and has one header only", where));
    begun = true;
    if (record == "header") {
      trace.header = header_of(line, where);
    } else if (record == "input") {
      TraceInput input = input_of(line, where);
      if (!trace.inputs.empty()) {
        const TraceInput& before = trace.inputs.back();
        if (input.warmup == before.warmup && input.input <= before.input)
          throw InputError(fmt::format("{}: input: {} comes after {}", where, input.input, before.input));
      }
      trace.inputs.push_back(std::move(input));
    } else {
      const End end = end_of(line, where);
      if (end.inputs != static_cast<int64_t>(trace.inputs.size()))
        throw InputError(
            fmt::format("{}: inputs: {}, but the file holds {}", where, end.inputs, trace.inputs.size()));
      ended = true;
      trace.status = end.status;
      trace.reason = end.reason;
      trace.verdict = end.verdict;
    }
  });
  if (!begun) throw InputError(fmt::format("{}: line 1: no trace header here", path));
  if (ended && trace.torn_line)
    throw InputError(fmt::format("{}: line {}: stands after the end record", path, trace.torn_line));
  if (!ended) {
    trace.status = "partial";
    trace.reason = trace.torn_line ? fmt::format("line {} is cut short: the run was killed", trace.torn_line)
                                   : "the end record is missing: the run was killed";
  }
  return trace;
}

}  // namespace alertbench
