#include "plugins/command_scheduler.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"
#include "plugins/prediction.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr JsonLimits answer_limits{size_t{64} << 10, 4, 100};

ordered_json known_or_null(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

std::string hello(const SchedulerInputs& inputs, const nlohmann::json& settings) {
  const Goals& g = inputs.goals;
  return json_text(
             {{"type", "hello"},
              {"protocol", command_protocol},
              {"settings", settings},
              {"goals",
               {{"name", g.name},
                {"task", to_string(g.task)},
                {"deadline_s", g.deadline_s},
                {"accuracy", known_or_null(g.accuracy)},
                {"energy_j", known_or_null(g.energy_j)},
                {"judge", to_string(g.judge)},
                {"goal_tolerance", {{"accuracy", g.tolerance.accuracy}, {"energy", g.tolerance.energy}}}}},
              {"profile", inputs.profile.to_json()}}) +
         "\n";
}

// One line of JSON, key by key.
class Line {
 public:
  Line(LineBuffer& out, std::string_view type) : out_(out) {
    out_.clear();
    append_text(out_, "{\"type\":");
    append_string(out_, type);
  }
  template <class Number>
  void number(std::string_view name, const Number& value) {
    key(name);
    append_number(out_, value);
  }
  void whole(std::string_view name, int64_t value) {
    key(name);
    fmt::format_to(fmt::appender(out_), "{}", value);
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_string(out_, value);
  }
  std::string_view end() {
    append_text(out_, "}\n");
    return {out_.data(), out_.size()};
  }

 private:
  void key(std::string_view name) {
    out_.push_back(',');
    append_string(out_, name);
    out_.push_back(':');
  }

  LineBuffer& out_;
};

}  // namespace

CommandScheduler::CommandScheduler(const ExternalScheduler& spec, const SchedulerInputs& inputs,
                                   const nlohmann::json& settings, const std::string& name)
    : profile_(inputs.profile), spec_(spec.spec), process_(spec.command, spec.spec, name, spec.timeout_s) {
  const std::string answer(process_.ask(hello(inputs, settings)));
  const std::string where = fmt::format("{}: its answer to the first line, {}", spec_, answer);
  try {
    const nlohmann::json j = parse_json(answer, where, answer_limits);
    JsonReader reader(j, where);
    reader.integer("protocol", command_protocol, command_protocol);
    reader.finish();
  } catch (const InputError& e) {
    throw RunError(fmt::format("{}; it must be {{\"protocol\": {}}}", e.what(), command_protocol));
  }
}

Configuration CommandScheduler::decide(const Context& c) {
  input_ = c.input;
  Line line(line_, "decide");
  line.whole("input", c.input);
  line.number("deadline_from_start_s", c.deadline_from_start_s);
  line.number("period_s", c.period_s);
  line.number("size", c.size);
  line.number("group_deadline_from_start_s", c.delivered_by_s());
  line.whole("members_left", c.members_left);
  line.number("idle_charged_s", c.idle_charged_s);
  const std::string_view answer = process_.ask(line.end());
  const std::string where = fmt::format("{}: input {}: its answer, {}", spec_, c.input, answer);
  try {
    return read_decision(answer, where);
  } catch (const InputError& e) {
    throw RunError(e.what());
  }
}

Configuration CommandScheduler::read_decision(std::string_view answer, const std::string& where) {
  const nlohmann::json j = parse_json(answer, where, answer_limits);
  JsonReader reader(j, where);
  // A line too many would otherwise be taken for the answer to the next question.
  if (const nlohmann::json& input = reader.raw("input"); input != input_)
    reader.fail("input", fmt::format("{}, but input {} was asked about", shown_json(input), input_));
  const std::string model = reader.text("model");
  Configuration decision;
  decision.model = profile_.model_index(model);
  if (decision.model < 0) {
    std::vector<std::string> names;
    for (const ModelProfile& m : profile_.models) names.push_back(m.name);
    reader.fail("model", fmt::format("\"{}\" is no network of the profile, which has {}", model,
                                     fmt::join(names, ", ")));
  }
  decision.stage = reader.integer("stage", 1, profile_.models[static_cast<size_t>(decision.model)].stages());
  decision.cap = reader.integer("cap", 0, profile_.caps() - 1);
  prediction_.reset();
  if (reader.has("predicted")) {
    JsonReader predicted = reader.object("predicted");
    const auto number = [&](const char* key, double low, double high) {
      return predicted.optional_number(key, low, high).value_or(unpredicted);
    };
    prediction_ = Prediction{number("latency_s", -most_predicted, most_predicted), number("p_deadline", 0, 1),
                             number("accuracy", 0, 1), number("energy_j", -most_predicted, most_predicted)};
    predicted.finish();
  }
  reader.finish();
  return decision;
}

void CommandScheduler::observe(const Observation& o) {
  Line line(line_, "observe");
  line.whole("input", input_);
  line.text("model", profile_.models[static_cast<size_t>(o.configuration.model)].name);
  line.whole("stage", o.configuration.stage);
  line.whole("cap", o.configuration.cap);
  line.whole("stages_finished", o.stages_finished);
  line.whole("stage_delivered", o.stage_delivered);
  line.number("last_stage_end_s", o.last_stage_end_s);
  line.number("busy_s", o.busy_s);
  line.number("deadline_from_start_s", o.deadline_from_start_s);
  line.number("period_s", o.period_s);
  line.number("size", o.size);
  line.number("decide_s", o.decide_s);
  line.number("accuracy", o.accuracy);
  line.number("energy_j", o.energy_j);
  line.number("idle_power_w", o.idle_power_w);
  process_.tell(line.end());
}

}  // namespace alertbench
