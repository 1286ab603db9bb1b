// The field tables of traces: what is published of them, and how a field is added.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "support.h"
#include "trace/trace_fields.h"

using namespace alertbench;
using Catch::Matchers::ContainsSubstring;
using fields::FieldFacts;
using nlohmann::ordered_json;

namespace {

const std::string schema_path = std::string(ALERT_SOURCE_DIR) + "/lib/trace/trace.schema.json";
const std::string page_path = std::string(ALERT_SOURCE_DIR) + "/docs/file-formats.md";

ordered_json bound(double value) {
  return value == std::floor(value) ? ordered_json(static_cast<int64_t>(value)) : ordered_json(value);
}

void add_bounds(ordered_json& schema, const FieldFacts& f) {
  if (f.low == fields::above_zero)
    schema["exclusiveMinimum"] = 0;
  else if (f.low > -fields::any_number)
    schema["minimum"] = bound(f.low);
  if (f.high < fields::any_number) schema["maximum"] = bound(f.high);
}

// The JSON schema of an object with these fields.
ordered_json schema_of(const std::vector<FieldFacts>& table) {
  ordered_json schema = {{"type", "object"}, {"properties", ordered_json::object()}};
  ordered_json required = ordered_json::array();
  for (const FieldFacts& f : table) {
    ordered_json s = {{"description", f.meaning}};
    const auto type = [&](const char* name) {
      s["type"] = f.nullable ? ordered_json{name, "null"} : ordered_json(name);
    };
    switch (f.type) {
      case FieldFacts::Type::number:
        type("number"), add_bounds(s, f);
        break;
      case FieldFacts::Type::whole:
        type("integer"), add_bounds(s, f);
        break;
      case FieldFacts::Type::flag:
        type("boolean");
        break;
      case FieldFacts::Type::text:
        type("string");
        break;
      case FieldFacts::Type::choice:
        if (const auto choices = choices_of(f); choices.size() == 1)
          s["const"] = choices[0];
        else
          s["enum"] = choices;
        break;
      case FieldFacts::Type::numbers:
        type("array");
        s["maxItems"] = max_stages;
        s["items"] = {{"type", "number"}};
        add_bounds(s["items"], f);
        break;
      case FieldFacts::Type::object:
        s.update(schema_of(f.members()));
        type("object");
        break;
    }
    schema["properties"][std::string(f.name)] = s;
    if (!f.omittable) required.push_back(f.name);
  }
  schema["required"] = required;
  schema["additionalProperties"] = false;
  return schema;
}

std::string schema_text() {
  const auto record = [](const char* description, const std::vector<FieldFacts>& table) {
    ordered_json schema = {{"description", description}};
    schema.update(schema_of(table));
    return schema;
  };
  const std::string version = trace_schema_version;
  const ordered_json schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"$id", "urn:alert-bench:trace:" + version},
      {"title", "One line of an alert-bench trace"},
      {"description", "Version " + version +
                          ". A trace is a header, a line for each input in order, an end. A key without a "
                          "value is null, never "
                          "omitted."},
      {"oneOf", {{{"$ref", "#/$defs/header"}}, {{"$ref", "#/$defs/input"}}, {{"$ref", "#/$defs/end"}}}},
      {"$defs",
       {{"header", record("First line", fields::facts_of(header_fields()))},
        {"input", record("One line for each input", fields::facts_of(input_fields()))},
        {"end", record("Last line", fields::facts_of(end_fields()))}}}};
  return json_text(schema, 2) + "\n";
}

std::string bounds_text(const FieldFacts& f) {
  if (f.low == fields::above_zero) return " > 0";
  if (f.low > -fields::any_number && f.high < fields::any_number)
    return fmt::format(" from {} to {}", f.low, f.high);
  return f.low > -fields::any_number ? fmt::format(" ≥ {}", f.low) : "";
}

std::string value_text(const FieldFacts& f) {
  std::string text;
  switch (f.type) {
    case FieldFacts::Type::number:
      text = "number" + bounds_text(f);
      break;
    case FieldFacts::Type::whole:
      text = "whole number" + bounds_text(f);
      break;
    case FieldFacts::Type::flag:
      text = "true or false";
      break;
    case FieldFacts::Type::text:
      text = "text";
      break;
    case FieldFacts::Type::choice:
      text = fmt::format("`{}`", fmt::join(choices_of(f), "`, `"));
      break;
    case FieldFacts::Type::numbers:
      text = "list of numbers" + bounds_text(f);
      break;
    case FieldFacts::Type::object:
      text = "object";
      break;
  }
  return text + (f.nullable ? ", or null" : "") + (f.omittable ? "; may be absent" : "");
}

// The rows of a table of the documentation.
std::string rows_text(const std::vector<FieldFacts>& table, const std::string& above = "") {
  std::string text;
  for (const FieldFacts& f : table) {
    const std::string key = above + std::string(f.name);
    text += fmt::format("| `{}` | {} | {}{} |\n", key, value_text(f), f.meaning,
                        f.since == "1.0" ? "" : fmt::format(" (since {})", f.since));
    if (f.members) text += rows_text(f.members(), key + ".");
  }
  return text;
}

std::string section_text(const std::string& name, const std::vector<FieldFacts>& table) {
  return fmt::format(
      "<!-- {}: made from lib/trace/trace_fields.cpp -->\n\n| key | value | meaning |\n|---|---|---|\n{}"
      "\n<!-- end of {} -->\n",
      name, rows_text(table), name);
}

std::string page_with_sections(std::string page) {
  for (const auto& [name, table] : {std::pair{"header", fields::facts_of(header_fields())},
                                    {"input", fields::facts_of(input_fields())},
                                    {"end", fields::facts_of(end_fields())}}) {
    const std::string last = fmt::format("<!-- end of {} -->\n", name);
    const size_t from = page.find(fmt::format("<!-- {}: ", name)), to = page.find(last);
    REQUIRE(from < to);
    REQUIRE(to != std::string::npos);
    page.replace(from, to + last.size() - from, section_text(name, table));
  }
  return page;
}

// ---- A field is added

// What a dummy field is read into; a real one is a member of InputRecord.
double dummy_read_s = 0;

const InputField dummy_field = fields::since(
    "1.2",
    InputField(
        fields::number("dummy_s", 0, fields::any_number, "twice the arrival"),
        [](LineBuffer& out, const InputLine& line) { fields::write_value(out, 2 * line.record.arrival_s); },
        [](JsonReader& reader, const FieldFacts& field, SchemaVersion, TraceInput&) {
          read_value(reader, field, dummy_read_s);
        }));

std::vector<InputField> fields_with_dummy() {
  std::vector<InputField> table(input_fields().begin(), input_fields().end());
  table.push_back(dummy_field);
  return table;
}

template <class Table>
std::string line_of(const Table& table) {
  InputRecord record;
  record.arrival_s = 1.5;
  LineBuffer out;
  fields::write_object(out, table, InputLine{record, "\"network\"", 100, "null"});
  return {out.data(), out.size()};
}

}  // namespace

TEST_CASE("the schema and the documentation say what the field tables of traces say", "[trace][fields]") {
  const std::string page = content_of(page_path);
  if (std::getenv("ALERT_REGENERATE")) {
    put(schema_path, schema_text());
    put(page_path, page_with_sections(page));
  }
  INFO(
      "After a change of lib/trace/trace_fields.cpp, make both files again:\n"
      "    ALERT_REGENERATE=1 build/bin/alert-unit-tests '[fields]'");
  CHECK(content_of(schema_path) == schema_text());
  CHECK(content_of(page_path) == page_with_sections(content_of(page_path)));
}

TEST_CASE("every field of a trace says what it means, and since when it is there", "[trace][fields]") {
  const std::function<void(const std::vector<FieldFacts>&)> check =
      [&](const std::vector<FieldFacts>& table) {
        for (const FieldFacts& f : table) {
          INFO(f.name);
          CHECK_FALSE(f.meaning.empty());
          const auto since = parse_schema_version(f.since);
          REQUIRE(since);
          CHECK_FALSE(*parse_schema_version(trace_schema_version) < *since);
          if (f.members) check(f.members());
        }
      };
  check(fields::facts_of(header_fields()));
  check(fields::facts_of(input_fields()));
  check(fields::facts_of(end_fields()));
}

TEST_CASE("recipe: a trace field is a row of the table", "[trace][fields]") {
  const std::vector<InputField> table = fields_with_dummy();
  const std::string line = line_of(table);
  CHECK_THAT(line, ContainsSubstring(R"(},"dummy_s":3})"));
  const nlohmann::json json = nlohmann::json::parse(line);
  const SchemaVersion next{1, 2}, current{1, 1};

  TraceInput input;
  dummy_read_s = 0;
  fields::read_object(JsonReader(json, "line"), table, next, input);
  CHECK(dummy_read_s == 3);
  CHECK(input.arrival_s == 1.5);
  CHECK(input.model == "network");

  // Published with the others.
  CHECK(schema_of(fields::facts_of(table))["properties"]["dummy_s"]["minimum"] == 0);
  CHECK_THAT(rows_text(fields::facts_of(table)),
             ContainsSubstring("| `dummy_s` | number ≥ 0 | twice the arrival (since 1.2) |"));

  // Traces that are older lack it; one that is new enough must have it.
  const nlohmann::json old = nlohmann::json::parse(line_of(input_fields()));
  CHECK_NOTHROW(fields::read_object(JsonReader(old, "line"), table, current, input));
  CHECK_THROWS_WITH(fields::read_object(JsonReader(old, "line"), table, next, input),
                    ContainsSubstring("dummy_s: is missing"));

  // Programs that are older refuse it, unless the version says that it may be there.
  CHECK_THROWS_WITH(fields::read_object(JsonReader(json, "line"), input_fields(), current, input),
                    ContainsSubstring("dummy_s: unknown key"));
  CHECK_NOTHROW(
      fields::read_object(JsonReader(json, "line", UnknownKeys::ignored), input_fields(), current, input));
}
