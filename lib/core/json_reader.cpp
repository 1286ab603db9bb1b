#include "core/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text_file.h"

namespace alertbench {
using nlohmann::json;

json read_json_file(const std::string& path, const JsonLimits& limits) {
  const std::string text = read_text_file(path, limits.bytes);
  const auto fail = [&](const std::string& what) { throw InputError(fmt::format("{}: {}", path, what)); };
  size_t values = 0;
  const auto within_limits = [&](int depth, json::parse_event_t event, json&) {
    using Event = json::parse_event_t;
    const bool begins = event == Event::value || event == Event::object_start || event == Event::array_start;
    if (depth > limits.depth) fail(fmt::format("nests more than {} levels deep; is it the right file?", limits.depth));
    if (begins && ++values > limits.values)
      fail(fmt::format("holds more than {} JSON values; is it the right file?", limits.values));
    return true;
  };
  try {
    return json::parse(text, within_limits);
  } catch (const json::parse_error& e) {
    const auto upto = text.begin() + static_cast<std::ptrdiff_t>(std::min(e.byte ? e.byte - 1 : 0, text.size()));
    fail(fmt::format("line {}: not valid JSON: {}", 1 + std::count(text.begin(), upto, '\n'),
                     std::string(e.what()).substr(0, 300)));
  } catch (const json::exception& e) {  // a number beyond what a double holds
    fail(fmt::format("not usable JSON: {}", e.what()));
  }
  return {};
}

std::string nearest_word(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
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

JsonReader::JsonReader(const json& object, std::string where) : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) throw InputError(fmt::format("{}: expected an object, found {}", where_, object.dump()));
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
  if (!value) fail(key, fmt::format("is missing; give {}", what));
  return *value;
}

bool JsonReader::has(const std::string& key) { return find(key) != nullptr; }

double JsonReader::number(const std::string& key, double low, double high) {
  const json& value = need(key, "a number");
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    fail(key, fmt::format("expected a number, found {}", value.dump()));
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
  if (!value.is_number_integer()) fail(key, fmt::format("expected a whole number, found {}", value.dump()));
  const double wide = value.get<double>();
  if (wide < low || wide > high) fail(key, fmt::format("{} is outside {} to {}", value.dump(), low, high));
  return value.get<int>();
}

int JsonReader::integer(const std::string& key, int fallback, int low, int high) {
  return has(key) ? integer(key, low, high) : fallback;
}

uint64_t JsonReader::seed(const std::string& key, uint64_t fallback) {
  if (!has(key)) return fallback;
  const json& value = need(key, "a whole number");
  if (!value.is_number_unsigned()) fail(key, fmt::format("expected a whole number >= 0, found {}", value.dump()));
  return value.get<uint64_t>();
}

bool JsonReader::boolean(const std::string& key, bool fallback) {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) fail(key, fmt::format("expected true or false, found {}", value->dump()));
  return value->get<bool>();
}

std::string JsonReader::text(const std::string& key) {
  const json& value = need(key, "a string");
  if (!value.is_string()) fail(key, fmt::format("expected a string, found {}", value.dump()));
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
  if (!value->is_array()) fail(key, fmt::format("expected a list of numbers, found {}", value->dump()));
  for (const json& item : *value) {
    if (!item.is_number()) fail(key, fmt::format("expected numbers, found {}", item.dump()));
    const double number = item.get<double>();
    if (!(number >= low && number <= high)) fail(key, fmt::format("{} is outside {} to {}", number, low, high));
    result.push_back(number);
  }
  return result;
}

std::vector<std::string> JsonReader::texts(const std::string& key) {
  std::vector<std::string> result;
  const json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) fail(key, fmt::format("expected a list of strings, found {}", value->dump()));
  for (const json& item : *value) {
    if (!item.is_string()) fail(key, fmt::format("expected strings, found {}", item.dump()));
    result.push_back(item.get<std::string>());
  }
  return result;
}

JsonReader JsonReader::object(const std::string& key) {
  return JsonReader(need(key, "an object { ... }"), where_ + ": " + key);
}

std::vector<JsonReader> JsonReader::objects(const std::string& key) {
  std::vector<JsonReader> result;
  const json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) fail(key, fmt::format("expected a list of objects, found {}", value->dump()));
  for (size_t i = 0; i < value->size(); ++i)
    result.emplace_back((*value)[i], fmt::format("{}: {}[{}]", where_, key, i));
  return result;
}

const json& JsonReader::raw(const std::string& key) { return need(key, "a value"); }

void JsonReader::finish() const {
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string near = nearest_word(key, known_);
    fail(key, fmt::format("unknown key{}. Known keys here: {}",
                          near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), fmt::join(known_, ", ")));
  }
}

}  // namespace alertbench
