#include "trace/trace_writer.h"

#include <fmt/compile.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/or_null.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

// What is finer than 1e-12 (of a second, a joule, a share) is no measurement, and 17 digits take readers
// twice as long.
double rounded(double value) { return std::abs(value) < 1000 ? std::nearbyint(value * 1e12) / 1e12 : value; }

// Members of an object in the order of the calls; `key` brings its comma and colon: ",\"x\":".
struct Line {
  LineBuffer& out;

  void text(std::string_view value) { append_text(out, value); }
  void number(std::string_view key, double value) { text(key), append_number(out, rounded(value)); }
  void number(std::string_view key, const std::optional<double>& value) {
    number(key, value.value_or(std::nan("")));
  }
  void integer(std::string_view key, int64_t value) {
    text(key);
    fmt::format_to(fmt::appender(out), FMT_COMPILE("{}"), value);
  }
  void flag(std::string_view key, std::optional<bool> value) {
    text(key), text(!value ? "null" : *value ? "true" : "false");
  }
  // `members` writes those of the object, the first one with the opening brace.
  template <class T, class Members>
  void object(std::string_view key, const std::optional<T>& value, const Members& members) {
    text(key);
    if (!value) return text("null");
    members(*value);
    text("}");
  }
};

}  // namespace

void format_input(LineBuffer& out, const InputRecord& record, const std::vector<std::string>& models,
                  const std::vector<double>& caps_w, const std::string& co_runner) {
  const Outcome& outcome = record.outcome;
  const Configuration& decision = record.configuration;
  Line line{out};
  line.integer(R"({"record":"input","input":)", record.input);
  line.flag(R"(,"warmup":)", record.warmup);
  line.text(R"(,"input_id":)");
  append_string(out, record.input_id);
  line.number(R"(,"arrival_s":)", record.arrival_s);
  line.number(R"(,"deadline_s":)", record.deadline_from_arrival_s);
  line.text(R"(,"model":)");
  line.text(models.at(static_cast<size_t>(decision.model)));
  line.integer(R"(,"stage_target":)", decision.stage);
  line.number(R"(,"cap_w":)", caps_w.at(static_cast<size_t>(decision.cap)));
  line.integer(R"(,"stage_delivered":)", outcome.stage_delivered);
  line.text(R"(,"stage_end_s":[)");
  for (int stage = 0; stage < outcome.stages_finished; ++stage)
    line.number(stage ? "," : "", outcome.stage_end_s.at(static_cast<size_t>(stage)));
  line.number(R"(],"latency_s":)", outcome.latency_s);
  line.number(R"(,"busy_s":)", outcome.busy_s);
  line.number(R"(,"wait_s":)", outcome.wait_s);
  line.number(R"(,"overshoot_s":)", outcome.overshoot_s);
  line.flag(R"(,"stopped":)", outcome.stopped);
  line.number(R"(,"decide_s":)", record.decide_s);
  line.number(R"(,"accuracy":)", outcome.accuracy);
  line.object(R"(,"correct":)", outcome.correct, [&](const Correctness& correct) {
    line.flag(R"({"top1":)", correct.top1);
    if (correct.top5) line.flag(R"(,"top5":)", correct.top5);
    if (correct.nll) line.number(R"(,"nll":)", correct.nll);
    if (correct.guess_nll) line.number(R"(,"guess_nll":)", correct.guess_nll);
    if (correct.f1) line.number(R"(,"f1":)", correct.f1);
  });
  line.number(R"(,"energy_j":)", outcome.energy_j);
  line.number(R"(,"active_power_w":)", outcome.active_power_w);
  line.number(R"(,"idle_power_w":)", outcome.idle_power_w);
  line.object(R"(,"slowdown":)", record.slowdown, [&](const Slowdown& slowdown) {
    line.number(R"({"observed":)", slowdown.observed);
    line.number(R"(,"mean":)", slowdown.mean);
    line.number(R"(,"sd":)", slowdown.sd);
  });
  line.object(R"(,"predicted":)", record.prediction, [&](const Prediction& predicted) {
    line.number(R"({"latency_s":)", predicted.latency_s);
    line.number(R"(,"p_deadline":)", predicted.p_deadline);
    line.number(R"(,"accuracy":)", predicted.accuracy);
    line.number(R"(,"energy_j":)", predicted.energy_j);
  });
  line.text(R"(,"co_runner":)");
  line.text(outcome.co_runner_on ? std::string_view(co_runner) : "null");
  line.flag(R"(,"violations":{"deadline":)", record.violations.deadline);
  line.flag(R"(,"accuracy":)", record.violations.accuracy);
  line.flag(R"(,"energy":)", record.violations.energy);
  line.flag(R"(,"mean_accuracy":)", record.violations.mean_accuracy);
  line.flag(R"(,"mean_energy":)", record.violations.mean_energy);
  line.text("}}\n");
}

TraceWriter::TraceWriter(std::string path, const TraceHeader& header, const Profile& profile)
    : path_(std::move(path)),
      held_back_(header.mode == "replay"),
      caps_w_(profile.caps_w),
      co_runner_(json_text(header.co_runner.value_or("co-runner"))) {
  for (const auto& model : profile.models) models_.push_back(json_text(model.name));
  const Goals& goals = header.goals;
  const ordered_json first = {
      {"record", "header"},
      {"schema_version", trace_schema_version},
      {"tool_version", header.tool_version},
      {"scheduler", header.scheduler},
      {"scenario", header.scenario},
      {"setting", goals.name},
      {"task", goals.task == Task::min_energy ? "min_energy" : "min_error"},
      {"goals",
       {{"deadline_s", goals.deadline_s},
        {"accuracy", or_null(goals.accuracy)},
        {"energy_j", or_null(goals.energy_j)},
        {"judge", to_string(goals.judge)},
        {"goal_tolerance", {{"accuracy", goals.tolerance.accuracy}, {"energy", goals.tolerance.energy}}}}},
      {"energy_source", header.energy_source},
      {"accuracy_source", header.accuracy_source},
      {"mode", header.mode},
      {"co_runner", or_null(header.co_runner)},
      {"co_runner_description", or_null(header.co_runner_description)},
      {"manifest", header.manifest},
  };
  append_text(lines_, json_text(first) + "\n");
  if (!held_back_) flush();
}

TraceWriter::~TraceWriter() {
  try {
    flush();
  } catch (const RunError&) {
    // The file lacks its end line: readers take it as partial.
  }
}

void TraceWriter::write(const InputRecord& record) {
  constexpr size_t block = 64 * 1024;
  format_input(lines_, record, models_, caps_w_, co_runner_);
  ++held_inputs_;
  if (!held_back_ || lines_.size() >= block) flush();
}

void TraceWriter::flush() {
  const std::string_view lines{lines_.data(), lines_.size()};
  const int64_t inputs = held_inputs_;
  lines_.clear();  // first: lines that could not be written are not tried again
  held_inputs_ = 0;
  if (!lines.empty() && !file_) file_.emplace(path_);
  if (!lines.empty()) file_->append(lines);
  inputs_ += inputs;
}

void TraceWriter::finish(const std::string& status, const std::string& reason,
                         const std::optional<GoalVerdict>& verdict) {
  flush();
  ordered_json judged;
  if (verdict)
    judged = {{"inputs", verdict->inputs},
              {"groups", verdict->groups},
              {"late_share", verdict->late_share},
              {"mean_accuracy", verdict->mean_accuracy},
              {"mean_energy_j", or_null(verdict->mean_energy_j)},
              {"violated_mean", verdict->violated_mean},
              {"violated_exact", verdict->violated_exact},
              {"violated_strict", verdict->violated_strict}};
  const ordered_json last = {{"record", "end"},
                             {"inputs", inputs_},
                             {"status", status},
                             {"reason", reason.empty() ? ordered_json() : ordered_json(reason)},
                             {"verdict", judged}};
  append_text(lines_, json_text(last) + "\n");
  flush();
  file_.reset();
}

}  // namespace alertbench
