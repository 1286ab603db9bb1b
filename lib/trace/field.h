// JSON objects whose keys are listed in one table of fields. The table writes an object, reads it back, and
// knows what the JSON schema and the documentation say of each key. `Written` is what a field is written
// from, `Read` what it is read into.
#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/json_lines.h"
#include "base/json_reader.h"
#include "base/schema_version.h"

namespace alertbench::fields {

// What a field may hold, and what it means.
struct FieldFacts {
  enum class Type { number, whole, flag, text, choice, numbers, object };

  std::string_view name;
  Type type = Type::text;
  std::string_view meaning;
  double low = 0, high = 0;                        // of numbers; for a list of numbers of each of them
  std::string_view choices = {};                   // of Type::choice, separated by '|'
  bool nullable = false;                           // null where the value is not known
  bool omittable = false;                          // the key is absent where there is no value
  std::string_view since = "1.0";                  // the first version of the format that has the field
  std::vector<FieldFacts> (*members)() = nullptr;  // of Type::object
};

template <class Written, class Read>
struct Field : FieldFacts {
  void (*write)(LineBuffer&, const Written&) = nullptr;
  void (*read)(JsonReader&, const FieldFacts&, SchemaVersion, Read&) = nullptr;
  bool (*absent)(const Written&) = nullptr;  // of fields that are omittable

  constexpr Field() = default;
  constexpr Field(const FieldFacts& facts, decltype(write) w, decltype(read) r, decltype(absent) a = nullptr)
      : FieldFacts(facts), write(w), read(r), absent(a) {}
};

// The rows of a table.
template <class Row>
struct Rows {
  const Row* first;
  size_t count;
  const Row* begin() const { return first; }
  const Row* end() const { return first + count; }
};

template <class Table>
std::vector<FieldFacts> facts_of(const Table& table) {
  return {std::begin(table), std::end(table)};
}

// ---- Facts

constexpr double any_number = std::numeric_limits<double>::max();
constexpr double above_zero = std::numeric_limits<double>::denorm_min();

constexpr FieldFacts number(std::string_view name, double low, double high, std::string_view meaning) {
  return {name, FieldFacts::Type::number, meaning, low, high};
}
constexpr FieldFacts whole(std::string_view name, double low, double high, std::string_view meaning) {
  return {name, FieldFacts::Type::whole, meaning, low, high};
}
constexpr FieldFacts flag(std::string_view name, std::string_view meaning) {
  return {name, FieldFacts::Type::flag, meaning};
}
constexpr FieldFacts text(std::string_view name, std::string_view meaning) {
  return {name, FieldFacts::Type::text, meaning};
}
constexpr FieldFacts choice(std::string_view name, std::string_view choices, std::string_view meaning) {
  return {name, FieldFacts::Type::choice, meaning, 0, 0, choices};
}
constexpr FieldFacts nullable(FieldFacts facts) {
  facts.nullable = true;
  return facts;
}
constexpr FieldFacts omittable(FieldFacts facts) {
  facts.omittable = true;
  return facts;
}
constexpr FieldFacts since(std::string_view version, FieldFacts facts) {
  facts.since = version;
  return facts;
}
std::vector<std::string> choices_of(const FieldFacts& facts);

// ---- Values

// What is finer than 1e-12 (of a second, a joule, a share) was not measured, and 17 digits take readers twice
// as long.
inline double rounded(double value) {
  return std::abs(value) < 1000 ? std::nearbyint(value * 1e12) / 1e12 : value;
}

// As the lines of inputs have them: numbers rounded, no allocation.
inline void write_value(LineBuffer& out, double value) { append_number(out, rounded(value)); }
inline void write_value(LineBuffer& out, bool value) { append_text(out, value ? "true" : "false"); }
inline void write_value(LineBuffer& out, const std::string& value) { append_string(out, value); }
void write_value(LineBuffer& out, int64_t value);
inline void write_value(LineBuffer& out, int value) { write_value(out, int64_t{value}); }
template <class T>
void write_value(LineBuffer& out, const std::optional<T>& value) {
  if (value)
    write_value(out, *value);
  else
    append_text(out, "null");
}

void read_value(JsonReader& reader, const FieldFacts& field, double& value);  // NaN where null is allowed
void read_value(JsonReader& reader, const FieldFacts& field, bool& value);
void read_value(JsonReader& reader, const FieldFacts& field, int& value);
void read_value(JsonReader& reader, const FieldFacts& field, int64_t& value);
void read_value(JsonReader& reader, const FieldFacts& field, std::string& value);
template <class T>
void read_value(JsonReader& reader, const FieldFacts& field, std::optional<T>& value) {
  value.reset();
  if (reader.has(std::string(field.name))) read_value(reader, field, value.emplace());
}

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

// ---- Objects

template <class Table, class Written>
void write_object(LineBuffer& out, const Table& table, const Written& value) {
  char before = '{';
  for (const auto& field : table) {
    if (field.omittable && field.absent(value)) continue;
    const size_t length = field.name.size(), at = out.size();
    out.resize(at + length + 4);
    char* key = out.data() + at;
    *key++ = before;
    *key++ = '"';
    key += field.name.copy(key, length);
    *key++ = '"';
    *key = ':';
    field.write(out, value);
    before = ',';
  }
  out.push_back('}');
}

// Fields that are newer than `version` may be absent; a field that may be null must be there all the same.
// What else the object holds is for the caller's reader.finish().
template <class Table, class Read>
void read_fields(JsonReader& reader, const Table& table, SchemaVersion version, Read& value) {
  for (const auto& field : table) {
    if (!reader.contains(std::string(field.name))) {
      if (field.omittable || version < *parse_schema_version(field.since)) continue;
      if (field.nullable) reader.fail(std::string(field.name), "is missing; write null where it is unknown");
    }
    field.read(reader, field, version, value);
  }
}

template <class Table, class Read>
void read_object(JsonReader reader, const Table& table, SchemaVersion version, Read& value) {
  read_fields(reader, table, version, value);
  reader.finish();
}

// ---- Fields that are a member of what is written and read; `Path` leads to it: &A::b, &B::c.

template <auto... Path, class Record>
constexpr auto& member_of(Record& record) {
  return (record.*....*Path);
}

// Where the path begins in what is written; overload it where that is not the whole.
template <class T>
constexpr T& record_of(T& value) {
  return value;
}

template <class Written, class Read, auto... Path>
constexpr Field<Written, Read> member(const FieldFacts& facts) {
  return {
      facts,
      [](LineBuffer& out, const Written& value) { write_value(out, member_of<Path...>(record_of(value))); },
      [](JsonReader& reader, const FieldFacts& field, SchemaVersion, Read& value) {
        read_value(reader, field, member_of<Path...>(record_of(value)));
      },
      [](const Written& value) {
        using Value = std::decay_t<decltype(member_of<Path...>(record_of(value)))>;
        if constexpr (is_optional<Value>)
          return !member_of<Path...>(record_of(value)).has_value();
        else
          return false;
      }};
}

// Of records that are written once: text and numbers as the JSON library writes them.
template <class Record, auto... Path>
constexpr Field<Record, Record> plain_member(const FieldFacts& facts) {
  Field<Record, Record> field = member<Record, Record, Path...>(facts);
  field.write = [](LineBuffer& out, const Record& record) {
    const auto& value = member_of<Path...>(record);
    using Value = std::decay_t<decltype(value)>;
    if constexpr (is_optional<Value>)
      append_text(out, value ? json_text(*value) : "null");
    else
      append_text(out, json_text(value));
  };
  return field;
}

// An object within, with a table of its own; the member is a struct or an optional one.
template <class Written, class Read, const auto& Table, auto... Path>
constexpr Field<Written, Read> object(std::string_view name, std::string_view meaning) {
  FieldFacts facts{name, FieldFacts::Type::object, meaning};
  facts.members = [] { return facts_of(Table); };
  return {facts,
          [](LineBuffer& out, const Written& written) {
            const auto& value = member_of<Path...>(record_of(written));
            if constexpr (is_optional<std::decay_t<decltype(value)>>) {
              if (!value) return append_text(out, "null");
              write_object(out, Table, *value);
            } else {
              write_object(out, Table, value);
            }
          },
          [](JsonReader& reader, const FieldFacts& field, SchemaVersion version, Read& read) {
            auto& value = member_of<Path...>(record_of(read));
            const std::string key(field.name);
            if constexpr (is_optional<std::decay_t<decltype(value)>>) {
              value.reset();
              if (reader.has(key)) read_object(reader.object(key), Table, version, value.emplace());
            } else {
              read_object(reader.object(key), Table, version, value);
            }
          }};
}

template <class Row>
constexpr Row nullable(Row field) {
  field.nullable = true;
  return field;
}
template <class Row>
constexpr Row since(std::string_view version, Row field) {
  field.since = version;
  return field;
}

// A key whose value is always the same. Whoever reads the object has checked it.
template <class Written, class Read>
constexpr Field<Written, Read> constant(FieldFacts facts, void (*write)(LineBuffer&, const Written&)) {
  return {facts, write, [](JsonReader&, const FieldFacts&, SchemaVersion, Read&) {}};
}

}  // namespace alertbench::fields
