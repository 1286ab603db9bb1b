#include "trace/trace_fields.h"

#include <fmt/compile.h>

#include <algorithm>

namespace alertbench {
namespace fields {

std::vector<std::string> choices_of(const FieldFacts& facts) {
  std::vector<std::string> choices;
  for (std::string_view rest = facts.choices; !rest.empty();) {
    const size_t end = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return choices;
}

void write_value(LineBuffer& out, int64_t value) {
  fmt::format_to(fmt::appender(out), FMT_COMPILE("{}"), value);
}

void read_value(JsonReader& reader, const FieldFacts& field, double& value) {
  const std::string key(field.name);
  value = field.nullable ? reader.optional_number(key, field.low, field.high)
                               .value_or(std::numeric_limits<double>::quiet_NaN())
                         : reader.number(key, field.low, field.high);
}

void read_value(JsonReader& reader, const FieldFacts& field, bool& value) {
  const std::string key(field.name);
  if (!reader.has(key)) reader.fail(key, "is missing; give true or false");
  value = reader.boolean(key, false);
}

void read_value(JsonReader& reader, const FieldFacts& field, int& value) {
  value = reader.integer(std::string(field.name), static_cast<int>(field.low), static_cast<int>(field.high));
}

void read_value(JsonReader& reader, const FieldFacts& field, int64_t& value) {
  const std::string key(field.name);
  const nlohmann::json& found = reader.raw(key);
  if (!found.is_number_integer() || found.get<int64_t>() < 0)
    reader.fail(key, fmt::format("expected a whole number from 0, found {}", found.dump()));
  value = found.get<int64_t>();
}

void read_value(JsonReader& reader, const FieldFacts& field, std::string& value) {
  const std::string key(field.name);
  value = reader.text(key);
  if (field.type == FieldFacts::Type::choice) value = reader.one_of(key, value, choices_of(field));
}

}  // namespace fields

namespace {

using namespace fields;

void write_json(LineBuffer& out, const nlohmann::ordered_json& value) { append_text(out, json_text(value)); }

// ---- Header

constexpr Field<GoalTolerance, GoalTolerance> tolerance_fields[] = {
    plain_member<GoalTolerance, &GoalTolerance::accuracy>(number("accuracy", 0, 1, "absolute")),
    plain_member<GoalTolerance, &GoalTolerance::energy>(
        number("energy", 0, any_number, "as a share of the budget")),
};

constexpr Field<Goals, Goals> goal_fields[] = {
    plain_member<Goals, &Goals::deadline_s>(number("deadline_s", above_zero, any_number, "from the arrival")),
    plain_member<Goals, &Goals::accuracy>(
        nullable(number("accuracy", 0, 1, "goal of the task `min_energy`"))),
    plain_member<Goals, &Goals::energy_j>(nullable(
        number("energy_j", above_zero, any_number, "budget of one period, of the task `min_error`"))),
    since("1.1", Field<Goals, Goals>(
                     choice("judge", "mean|strict",
                            "whether goals on accuracy and energy hold for the mean, or input by input"),
                     [](LineBuffer& out, const Goals& goals) { write_json(out, to_string(goals.judge)); },
                     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, Goals& goals) {
                       std::string judge;
                       read_value(reader, field, judge);
                       goals.judge = judge == "strict" ? Judge::strict : Judge::mean;
                     })),
    since("1.1", object<Goals, Goals, tolerance_fields, &Goals::tolerance>(
                     "goal_tolerance", "by how much a mean may miss its goal")),
};

constexpr HeaderField header_table[] = {
    constant<TraceHeader, TraceHeader>(
        choice("record", "header", "first line of the file"),
        [](LineBuffer& out, const TraceHeader&) { write_json(out, "header"); }),
    constant<TraceHeader, TraceHeader>(
        choice("schema_version", trace_schema_version, "version of this format"),
        [](LineBuffer& out, const TraceHeader&) { write_json(out, trace_schema_version); }),
    plain_member<TraceHeader, &TraceHeader::tool_version>(text("tool_version", "version of the program")),
    plain_member<TraceHeader, &TraceHeader::scheduler>(text("scheduler", "who decided")),
    plain_member<TraceHeader, &TraceHeader::scenario>(text("scenario", "name of the scenario")),
    plain_member<TraceHeader, &TraceHeader::goals, &Goals::name>(
        text("setting", "name of the goal setting, unique within the scenario")),
    {choice("task", "min_energy|min_error", "what is to be least, while the other goals are kept"),
     [](LineBuffer& out, const TraceHeader& header) { write_json(out, to_string(header.goals.task)); },
     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceHeader& header) {
       std::string task;
       read_value(reader, field, task);
       header.goals.task = task == "min_energy" ? Task::min_energy : Task::min_error;
     }},
    object<TraceHeader, TraceHeader, goal_fields, &TraceHeader::goals>("goals", "the goals of the setting"),
    plain_member<TraceHeader, &TraceHeader::energy_source>(
        choice("energy_source", "model|rapl|nvml|sensor", "where energy comes from")),
    plain_member<TraceHeader, &TraceHeader::accuracy_source>(
        choice("accuracy_source", "profile|measured", "where accuracy comes from")),
    plain_member<TraceHeader, &TraceHeader::mode>(choice("mode", "live|replay", "how the inputs were run")),
    plain_member<TraceHeader, &TraceHeader::co_runner>(
        nullable(text("co_runner", "name of what runs next to the network in the on phases"))),
    plain_member<TraceHeader, &TraceHeader::co_runner_description>(
        nullable(text("co_runner_description", "how it runs"))),
    plain_member<TraceHeader, &TraceHeader::manifest>(
        text("manifest", "path of the manifest, relative to the trace")),
};

// ---- Inputs

template <auto... Path>
constexpr InputField input_field(const FieldFacts& facts) {
  return member<InputLine, TraceInput, Path...>(facts);
}
template <auto... Path>
constexpr InputField outcome_field(const FieldFacts& facts) {
  return member<InputLine, TraceInput, &InputRecord::outcome, Path...>(facts);
}
template <auto Member>
constexpr Field<Correctness, Correctness> correct_field(const FieldFacts& facts) {
  return member<Correctness, Correctness, Member>(facts);
}
template <auto Member>
constexpr Field<Slowdown, Slowdown> slowdown_field(const FieldFacts& facts) {
  return member<Slowdown, Slowdown, Member>(facts);
}
template <auto Member>
constexpr Field<Prediction, Prediction> predicted_field(const FieldFacts& facts) {
  return member<Prediction, Prediction, Member>(facts);
}
template <auto Member>
constexpr Field<Violations, Violations> violation_field(const FieldFacts& facts) {
  return member<Violations, Violations, Member>(facts);
}

constexpr Field<Correctness, Correctness> correct_fields[] = {
    correct_field<&Correctness::top1>(
        flag("top1", "whether the first answer is right; of a question, whether it matches exactly")),
    correct_field<&Correctness::top5>(
        omittable(flag("top5", "whether the right answer is among the first five"))),
    correct_field<&Correctness::nll>(omittable(
        number("nll", 0, any_number, "of a language model: -ln of the probability given to the next word"))),
    correct_field<&Correctness::guess_nll>(
        omittable(number("guess_nll", 0, any_number,
                         "next to `nll`: that of guessing the word by its share of the training text"))),
    correct_field<&Correctness::f1>(
        omittable(number("f1", 0, 1, "of a question: words shared with the right answer"))),
};

constexpr Field<Slowdown, Slowdown> slowdown_fields[] = {
    slowdown_field<&Slowdown::observed>(
        nullable(number("observed", -any_number, any_number, "measured on this input"))),
    slowdown_field<&Slowdown::mean>(nullable(number("mean", -any_number, any_number, "the filter's mean"))),
    slowdown_field<&Slowdown::sd>(nullable(number("sd", 0, any_number, "its standard deviation"))),
};

constexpr Field<Prediction, Prediction> predicted_fields[] = {
    predicted_field<&Prediction::latency_s>(nullable(
        number("latency_s", -any_number, any_number, "of the output, from the start of the execution"))),
    predicted_field<&Prediction::p_deadline>(
        nullable(number("p_deadline", 0, 1, "probability of keeping the deadline"))),
    predicted_field<&Prediction::accuracy>(nullable(number("accuracy", 0, 1, "of what is delivered"))),
    predicted_field<&Prediction::energy_j>(
        nullable(number("energy_j", -any_number, any_number, "of the period"))),
};

constexpr Field<Violations, Violations> violation_fields[] = {
    violation_field<&Violations::deadline>(flag("deadline", "whether nothing was delivered in time")),
    violation_field<&Violations::accuracy>(
        nullable(flag("accuracy", "whether the delivered accuracy is below the goal"))),
    violation_field<&Violations::energy>(nullable(flag("energy", "whether the energy is above the budget"))),
    since("1.1", violation_field<&Violations::mean_accuracy>(
                     nullable(flag("mean_accuracy",
                                   "whether the mean accuracy of the judged inputs so far misses its goal "
                                   "by more than the tolerance; null in the warm-up")))),
    since("1.1",
          violation_field<&Violations::mean_energy>(nullable(flag("mean_energy", "the same of the energy")))),
};

void write_stage_ends(LineBuffer& out, const InputLine& line) {
  const Outcome& outcome = line.record.outcome;
  out.push_back('[');
  for (int stage = 0; stage < outcome.stages_finished; ++stage) {
    if (stage) out.push_back(',');
    write_value(out, outcome.stage_end_s.at(static_cast<size_t>(stage)));
  }
  out.push_back(']');
}

void read_stage_ends(JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput& input) {
  const std::string key(field.name);
  reader.raw(key);  // an empty list is one
  const std::vector<double> ends_s = reader.numbers(key, field.low, field.high);
  if (!std::is_sorted(ends_s.begin(), ends_s.end())) reader.fail(key, "falls from one stage to the next");
  if (ends_s.size() > max_stages)
    reader.fail(key, fmt::format("has {} stages, more than {}", ends_s.size(), max_stages));
  std::copy(ends_s.begin(), ends_s.end(), input.outcome.stage_end_s.begin());
  input.outcome.stages_finished = static_cast<int>(ends_s.size());
  if (input.outcome.stage_delivered > input.outcome.stages_finished)
    reader.fail("stage_delivered", fmt::format("{}, but only {} stages ended", input.outcome.stage_delivered,
                                               input.outcome.stages_finished));
}

void read_stage_delivered(JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput& input) {
  input.outcome.stage_delivered = reader.integer(std::string(field.name), 0, input.configuration.stage);
}

// In the order of the lines. read_stage_delivered and read_stage_ends need what comes before them.
constexpr InputField input_table[] = {
    constant<InputLine, TraceInput>(choice("record", "input", "one line for each input"),
                                    [](LineBuffer& out, const InputLine&) { append_text(out, "\"input\""); }),
    input_field<&InputRecord::input>(whole("input", 0, any_number, "number of the input")),
    input_field<&InputRecord::warmup>(flag("warmup", "warm-up inputs count nowhere")),
    input_field<&InputRecord::input_id>(text("input_id", "file name or index in the data set; may be empty")),
    input_field<&InputRecord::arrival_s>(number("arrival_s", 0, any_number, "from the start of the run")),
    input_field<&InputRecord::deadline_from_arrival_s>(
        number("deadline_s", 0, any_number,
               "from the arrival; of a word its share of what was left for the sentence")),
    {text("model", "the decision: which network"),
     [](LineBuffer& out, const InputLine& line) { append_text(out, line.model); },
     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput& input) {
       read_value(reader, field, input.model);
     }},
    input_field<&InputRecord::configuration, &Configuration::stage>(
        whole("stage_target", 1, max_stages, "the decision: up to which stage")),
    {number("cap_w", above_zero, any_number, "the decision: under which power cap"),
     [](LineBuffer& out, const InputLine& line) { write_value(out, line.cap_w); },
     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput& input) {
       read_value(reader, field, input.cap_w);
     }},
    {whole("stage_delivered", 0, max_stages,
           "the last stage finished by the deadline, up to the target; 0 if none"),
     [](LineBuffer& out, const InputLine& line) { write_value(out, line.record.outcome.stage_delivered); },
     read_stage_delivered},
    {FieldFacts{"stage_end_s", FieldFacts::Type::numbers,
                "when each finished stage ended, from the arrival; rising", 0, any_number},
     write_stage_ends, read_stage_ends},
    outcome_field<&Outcome::latency_s>(number("latency_s", 0, any_number,
                                              "of the delivered output, from the arrival; if none was in "
                                              "time, of the first output, else of the stop")),
    outcome_field<&Outcome::busy_s>(number("busy_s", 0, any_number, "from start to end of the execution")),
    outcome_field<&Outcome::wait_s>(number("wait_s", 0, any_number, "from arrival to start")),
    outcome_field<&Outcome::overshoot_s>(
        number("overshoot_s", 0, any_number, "how long after the deadline an anytime network stopped")),
    outcome_field<&Outcome::stopped>(flag("stopped", "whether it was stopped there")),
    input_field<&InputRecord::decide_s>(
        nullable(number("decide_s", 0, any_number, "the scheduler's own time; null in replay"))),
    outcome_field<&Outcome::accuracy>(number("accuracy", 0, 1, "of the delivered stage, by the profile")),
    nullable(object<InputLine, TraceInput, correct_fields, &InputRecord::outcome, &Outcome::correct>(
        "correct", "measured on this input, as far as the workload has it; null if unknown")),
    outcome_field<&Outcome::energy_j>(nullable(
        number("energy_j", 0, any_number, "of the whole period; idle power is charged once in a sentence"))),
    outcome_field<&Outcome::active_power_w>(
        nullable(number("active_power_w", 0, any_number, "mean power while busy"))),
    outcome_field<&Outcome::idle_power_w>(
        nullable(number("idle_power_w", 0, any_number, "mean power while idle"))),
    nullable(object<InputLine, TraceInput, slowdown_fields, &InputRecord::slowdown>(
        "slowdown", "the scheduler's slow-down factor after this input; null if it has none")),
    nullable(object<InputLine, TraceInput, predicted_fields, &InputRecord::prediction>(
        "predicted", "what the scheduler expected of its decision; null if it does not predict")),
    {nullable(text("co_runner", "what ran next to it")),
     [](LineBuffer& out, const InputLine& line) { append_text(out, line.co_runner); },
     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput& input) {
       read_value(reader, field, input.co_runner);
     }},
    object<InputLine, TraceInput, violation_fields, &InputRecord::violations>(
        "violations", "goals that this input broke by itself; null: the task has no such goal"),
};

// ---- End

template <auto Member>
constexpr Field<GoalVerdict, GoalVerdict> verdict_field(const FieldFacts& facts) {
  return plain_member<GoalVerdict, Member>(facts);
}

constexpr Field<GoalVerdict, GoalVerdict> verdict_fields[] = {
    verdict_field<&GoalVerdict::inputs>(whole("inputs", 0, any_number, "judged inputs")),
    verdict_field<&GoalVerdict::groups>(
        whole("groups", 0, any_number, "groups that share a deadline; an input alone is one")),
    verdict_field<&GoalVerdict::late_share>(number("late_share", 0, 1, "of the groups")),
    verdict_field<&GoalVerdict::mean_accuracy>(number("mean_accuracy", 0, 1, "of the judged inputs")),
    verdict_field<&GoalVerdict::mean_energy_j>(
        nullable(number("mean_energy_j", 0, any_number, "of one period"))),
    verdict_field<&GoalVerdict::violated_mean>(
        flag("violated_mean", "whether the setting is violated, with goals read as means")),
    verdict_field<&GoalVerdict::violated_exact>(flag("violated_exact", "the same without the tolerance")),
    verdict_field<&GoalVerdict::violated_strict>(
        flag("violated_strict", "the same with goals read input by input")),
};

constexpr EndField end_table[] = {
    constant<TraceEnd, TraceEnd>(choice("record", "end", "last line of the file"),
                                 [](LineBuffer& out, const TraceEnd&) { write_json(out, "end"); }),
    plain_member<TraceEnd, &TraceEnd::inputs>(whole("inputs", 0, any_number, "lines of inputs in this file")),
    plain_member<TraceEnd, &TraceEnd::status>(
        choice("status", "complete|partial", "a trace without an end line is partial")),
    {nullable(text("reason", "why partial")),
     [](LineBuffer& out, const TraceEnd& end) {
       write_json(out, end.reason.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(end.reason));
     },
     [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceEnd& end) {
       end.reason = reader.text(std::string(field.name), "");
     }},
    since("1.1", nullable(object<TraceEnd, TraceEnd, verdict_fields, &TraceEnd::verdict>(
                     "verdict", "over the judged inputs; null if there are none"))),
};

template <class Row, size_t count>
constexpr Rows<Row> rows(const Row (&table)[count]) {
  return {table, count};
}

}  // namespace

Rows<HeaderField> header_fields() { return rows(header_table); }
Rows<InputField> input_fields() { return rows(input_table); }
Rows<EndField> end_fields() { return rows(end_table); }

}  // namespace alertbench
