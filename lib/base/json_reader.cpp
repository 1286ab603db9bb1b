#include "base/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <type_traits>

#include "base/console.h"
#include "base/error.h"
#include "base/text_file.h"

namespace alertbench {
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

// Counts what the parser has taken, for the line of a message.
struct Cursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** taken;

  reference operator*() const { return *at; }
  Cursor& operator++() {
    *taken = ++at;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
  bool operator!=(const Cursor& other) const { return at != other.at; }
};

// Builds the value from the parser's events: nlohmann's own builder accepts a duplicate key, and its
// callback, which could see that and the depth, makes parsing quadratic in the number of objects.
template <class Json>
class Builder {
 public:
  Builder(std::string_view text, const std::string& where, const JsonLimits& limits, int64_t first_line)
      : text_(text), where_(where), limits_(limits), first_line_(first_line) {}

  Json build() {
    const char* const end = text_.data() + text_.size();
    taken_ = text_.data();
    Json::sax_parse(Cursor{text_.data(), &taken_}, Cursor{end, &taken_}, this);
    return std::move(root_);
  }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(typename Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& key) {
    Json& object = *open_.back();
    if (!is_new(key)) {
      const Json& first = object.at(key);
      fail(line_of(taken_), fmt::format("duplicate key {} in one object, first as {}; remove one of them",
                                        shown_json(key), shown_json(first)));
    }
    if constexpr (keeps_order) {
      auto& members = object.template get_ref<typename Json::object_t&>();
      members.emplace_back(std::move(key), nullptr);
      place_ = &members.back().second;
    } else {
      place_ = &object[std::move(key)];
    }
    return true;
  }
  [[noreturn]] bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& e) {
    const std::string what = e.what();  // "[json.exception...] parse error at line 1, column 2: ..."
    const size_t column = what.find("column ");
    fail(line_of(text_.data() + std::min(byte ? byte - 1 : 0, text_.size())),
         fmt::format("not valid JSON: {}", what.substr(column == std::string::npos ? 0 : column, 300)));
  }

 private:
  [[noreturn]] void fail(int64_t line, const std::string& what) const {
    throw InputError(fmt::format("{}: line {}: {}", where_, line, what));
  }
  int64_t line_of(const char* at) const { return first_line_ + std::count(text_.data(), at, '\n'); }

  template <class Value>
  bool add(Value&& value) {
    if (++values_ > limits_.values)
      fail(line_of(taken_),
           fmt::format("holds more than {} JSON values; is this the right file?", limits_.values));
    if (open_.empty()) {
      root_ = std::forward<Value>(value);
      place_ = &root_;
    } else if (open_.back()->is_array()) {
      place_ = &open_.back()->emplace_back(std::forward<Value>(value));
    } else {
      *place_ = std::forward<Value>(value);
    }
    return true;
  }
  bool open(Json container) {
    if (open_.size() == limits_.depth)
      fail(line_of(taken_),
           fmt::format("nested too deeply: more than {} levels; is this the right file?", limits_.depth));
    add(std::move(container));
    open_.push_back(place_);
    if constexpr (keeps_order) keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    if constexpr (keeps_order) keys_.pop_back();
    return true;
  }
  bool is_new(const std::string& key) {
    if constexpr (keeps_order)
      return keys_.back().insert(key).second;
    else
      return !open_.back()->contains(key);
  }

  std::string_view text_;
  const std::string& where_;
  const JsonLimits& limits_;
  int64_t first_line_;
  const char* taken_ = nullptr;
  size_t values_ = 0;
  Json root_;
  // ordered_json looks a key up by comparing with each; the known ones of every open object stand here as
  // well.
  static constexpr bool keeps_order = std::is_same_v<Json, ordered_json>;
  std::vector<std::set<std::string>> keys_;
  std::vector<Json*> open_;  // the objects and arrays that are not closed yet; only the last one grows, so
                             // that all stay in place
  Json* place_ = nullptr;    // where the value of the last key goes, then the last value
};

}  // namespace

template <class Json>
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits,
                int64_t first_line) {
  return Builder<Json>(text, where, limits, first_line).build();
}
template json parse_json<json>(std::string_view, const std::string&, const JsonLimits&, int64_t);
template ordered_json parse_json<ordered_json>(std::string_view, const std::string&, const JsonLimits&,
                                               int64_t);

json read_json_file(const std::string& path, const JsonLimits& limits) {
  return parse_json(read_text_file(path, limits.bytes), path, limits);
}

std::string shown_json(const json& value) {
  constexpr size_t longest = 200;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= longest) return text;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // no part of a character
  return text.substr(0, end) + "...";
}

std::string nearest_word(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  constexpr size_t longest = 200;  // the time grows with the square
  if (word.size() > longest) return best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    if (std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size()) >= best_distance)
      continue;
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j < row.size(); ++j) {
        const size_t substituted = diagonal + (word[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

JsonReader::JsonReader(const json& object, std::string where, UnknownKeys unknown)
    : object_(&object), where_(std::move(where)), unknown_(unknown) {
  if (!object.is_object())
    throw InputError(fmt::format("{}: expected an object, found {}", where_, shown_json(object)));
}

void JsonReader::fail(const std::string& key, const std::string& what) const {
  throw InputError(fmt::format("{}: {}: {}", where_, key, what));
}

const json* JsonReader::find(const std::string& key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  const auto it = object_->find(key);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

const json& JsonReader::need(const std::string& key, const char* what) {
  const json* value = find(key);
  if (!value) fail(key, fmt::format("is missing; add {}", what));
  return *value;
}

SchemaVersion JsonReader::version(std::string_view known, std::string_view remedy_if_older) {
  constexpr const char* key = "schema_version";
  const std::string found = text(key);
  const auto version = parse_schema_version(found), newest = parse_schema_version(known);
  if (!version || !newest)
    fail(key, fmt::format("\"{}\" is not a version; expected one such as \"{}\"", found, known));
  if (version->major > newest->major)
    fail(key,
         fmt::format("\"{}\" was written by a newer program; this one reads {}.0 to {}: update alert-bench",
                     found, newest->major, known));
  if (version->major < newest->major)
    fail(key, fmt::format("\"{}\" is too old; this program reads {}.0 to {}: {}", found, newest->major, known,
                          remedy_if_older));
  if (*newest < *version) {
    unknown_ = UnknownKeys::ignored;
    say_once(
        "alert-bench: {}: note: version {} is newer than {}, which this program knows; keys that it does not "
        "know are ignored",
        where_, found, known);
  }
  return *version;
}

bool JsonReader::contains(const std::string& key) {
  find(key);
  return object_->contains(key);
}

bool JsonReader::has(const std::string& key) { return find(key) != nullptr; }

double JsonReader::number(const std::string& key, double low, double high) {
  const json& value = need(key, "a number");
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    fail(key, fmt::format("expected a number, found {}", shown_json(value)));
  const double number = value.get<double>();
  if (number < low || number > high) fail(key, fmt::format("{} is outside {} to {}", number, low, high));
  return number;
}

double JsonReader::number(const std::string& key, double fallback, double low, double high) {
  return has(key) ? number(key, low, high) : fallback;
}

std::optional<double> JsonReader::optional_number(const std::string& key, double low, double high) {
  if (!has(key)) return {};
  return number(key, low, high);
}

int JsonReader::integer(const std::string& key, int low, int high) {
  const json& value = need(key, "a whole number");
  if (!value.is_number_integer())
    fail(key, fmt::format("expected a whole number, found {}", shown_json(value)));
  const double wide = value.get<double>();
  if (wide < low || wide > high)
    fail(key, fmt::format("{} is outside {} to {}", shown_json(value), low, high));
  return value.get<int>();
}

int JsonReader::integer(const std::string& key, int fallback, int low, int high) {
  return has(key) ? integer(key, low, high) : fallback;
}

uint64_t JsonReader::seed(const std::string& key, uint64_t fallback) {
  if (!has(key)) return fallback;
  const json& value = need(key, "a whole number");
  if (!value.is_number_unsigned())
    fail(key, fmt::format("expected a whole number >= 0, found {}", shown_json(value)));
  return value.get<uint64_t>();
}

bool JsonReader::boolean(const std::string& key, bool fallback) {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) fail(key, fmt::format("expected true or false, found {}", shown_json(*value)));
  return value->get<bool>();
}

std::string JsonReader::text(const std::string& key) {
  const json& value = need(key, "a string");
  if (!value.is_string()) fail(key, fmt::format("expected a string, found {}", shown_json(value)));
  return value.get<std::string>();
}

std::string JsonReader::text(const std::string& key, const std::string& fallback) {
  return has(key) ? text(key) : fallback;
}

std::string JsonReader::one_of(const std::string& key, const std::string& fallback,
                               const std::vector<std::string>& allowed) {
  const std::string value = text(key, fallback);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    const std::string near = nearest_word(value, allowed);
    fail(key, fmt::format("\"{}\" is not known; it can be: {}{}", value, fmt::join(allowed, ", "),
                          near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near)));
  }
  return value;
}

std::vector<double> JsonReader::numbers(const std::string& key, double low, double high) {
  std::vector<double> result;
  const json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) fail(key, fmt::format("expected a list of numbers, found {}", shown_json(*value)));
  for (const json& item : *value) {
    if (!item.is_number()) fail(key, fmt::format("expected numbers, found {}", shown_json(item)));
    const double number = item.get<double>();
    if (!(number >= low && number <= high))
      fail(key, fmt::format("{} is outside {} to {}", number, low, high));
    result.push_back(number);
  }
  return result;
}

std::vector<std::string> JsonReader::texts(const std::string& key) {
  std::vector<std::string> result;
  const json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) fail(key, fmt::format("expected a list of strings, found {}", shown_json(*value)));
  for (const json& item : *value) {
    if (!item.is_string()) fail(key, fmt::format("expected strings, found {}", shown_json(item)));
    result.push_back(item.get<std::string>());
  }
  return result;
}

JsonReader JsonReader::object(const std::string& key) {
  return JsonReader(need(key, "an object { ... }"), where_ + ": " + key, unknown_);
}

std::vector<JsonReader> JsonReader::objects(const std::string& key) {
  std::vector<JsonReader> result;
  const json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) fail(key, fmt::format("expected a list of objects, found {}", shown_json(*value)));
  for (size_t i = 0; i < value->size(); ++i)
    result.emplace_back((*value)[i], fmt::format("{}: {}[{}]", where_, key, i), unknown_);
  return result;
}

const json& JsonReader::raw(const std::string& key) { return need(key, "a value"); }

void JsonReader::finish() const {
  if (unknown_ == UnknownKeys::ignored) return;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string near = nearest_word(key, known_);
    fail(key, fmt::format("unknown key{}. Known keys here: {}",
                          near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near),
                          fmt::join(known_, ", ")));
  }
}

}  // namespace alertbench
