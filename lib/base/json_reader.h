// Reads a JSON object strictly: every key has a type and a range, and a key that was not asked for is an
// error that names the nearest known one. All errors are InputError: "<where>: <key>: ... <value> ...
// <remedy>".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/schema_version.h"

namespace alertbench {

// Limits for a file, so that no file can exhaust the memory or the stack.
struct JsonLimits {
  size_t bytes = size_t{1} << 30;  // a sweep over thousands of cells has some 100 MB
  size_t depth = 64;               // our own files nest 12 deep; what walks over a value may use the stack
  size_t values =
      30000000;  // a recording of the most inputs names each of them; a value takes up to 100 bytes
};

// Of files that people write by hand: scenarios, network files, sweep files.
constexpr JsonLimits written_by_hand{size_t{16} << 20, 32, 1000000};

// Parses one JSON value, in time proportional to its length. InputError starts with `where` and names the
// line of a syntax error, a duplicate key in one object (the last would silently win), or the limit
// that is exceeded. NaN and Infinity are refused (JSON has none); a UTF-8 byte order mark is ignored.
// `Json`: nlohmann::json or ordered_json.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {},
                int64_t first_line = 1);

// The same for a whole file; `where` is its path.
nlohmann::json read_json_file(const std::string& path, const JsonLimits& limits = {});

// A value for a message: as JSON, shortened if it is long.
std::string shown_json(const nlohmann::json& value);

// The known word with the smallest edit distance if that is small, or else an empty string.
std::string nearest_word(const std::string& word, const std::vector<std::string>& known);

enum class UnknownKeys { refused, ignored };

class JsonReader {
 public:
  // `where` starts every message (file, then the path of the object). Throws if `object` is not a JSON
  // object. The object must outlive the reader. `unknown` says what finish() does about keys that nobody
  // asked for, here and in the objects within.
  JsonReader(const nlohmann::json& object, std::string where, UnknownKeys unknown = UnknownKeys::refused);

  // Reads `schema_version` of a file of which this program knows the version `known` and all older ones with
  // the same major number. A newer minor version is accepted: unknown keys are ignored from here on, and a
  // note on standard error says so, once for each file. Another major version is an error; for an older one
  // the message ends in `remedy_if_older`.
  SchemaVersion version(std::string_view known,
                        std::string_view remedy_if_older = "make the file again with this program");
  UnknownKeys unknown_keys() const { return unknown_; }

  bool contains(const std::string& key);  // true if present, null or not; makes the key known
  bool has(const std::string& key);       // true if present and not null; makes the key known
  double number(const std::string& key, double low, double high);
  double number(const std::string& key, double fallback, double low, double high);
  std::optional<double> optional_number(const std::string& key, double low, double high);
  int integer(const std::string& key, int low, int high);
  int integer(const std::string& key, int fallback, int low, int high);
  uint64_t seed(const std::string& key, uint64_t fallback);
  bool boolean(const std::string& key, bool fallback);
  std::string text(const std::string& key);
  std::string text(const std::string& key, const std::string& fallback);
  std::string one_of(const std::string& key, const std::string& fallback,
                     const std::vector<std::string>& allowed);
  std::vector<double> numbers(const std::string& key, double low, double high);  // empty if absent
  std::vector<std::string> texts(const std::string& key);                        // empty if absent
  JsonReader object(const std::string& key);                                     // required
  std::vector<JsonReader> objects(const std::string& key);                       // empty if absent
  const nlohmann::json& raw(const std::string& key);                             // any value; required
  // Throws if the object has a key that was never asked for, unless such keys are ignored.
  void finish() const;

  const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const;

 private:
  const nlohmann::json* find(const std::string& key);
  const nlohmann::json& need(const std::string& key, const char* what);

  const nlohmann::json* object_;
  std::string where_;
  UnknownKeys unknown_;
  std::vector<std::string> known_;
};

}  // namespace alertbench
