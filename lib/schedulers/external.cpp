#include "schedulers/external.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t prefix_length = 4;  // of "lib:" and "cmd:"
constexpr size_t longest_stem = 60;  // becomes part of names of files

bool is_library(const std::string& scheduler) { return scheduler.rfind("lib:", 0) == 0; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string stem_of(const std::string& spec) {
  std::string named = spec.substr(prefix_length);
  if (!is_library(spec)) {
    const std::vector<std::string> words = split_words(named, spec);
    named = words.empty() ? "" : words[0];
    for (const std::string& word : words) {
      const std::string ending = fs::path(word).extension().string();
      if (word[0] == '-' || ending.size() < 2 || !is_letter(ending[1])) continue;
      named = word;
      break;
    }
  }
  std::string stem;
  for (const char c : fs::path(named).stem().string().substr(0, longest_stem))
    stem += is_letter(c) || (c >= '0' && c <= '9') || c == '_' ? c : '-';
  return stem;
}

}  // namespace

bool is_external(const std::string& scheduler) {
  return is_library(scheduler) || scheduler.rfind("cmd:", 0) == 0;
}

std::vector<std::string> split_words(const std::string& text, const std::string& where) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool next = i + 1 < text.size();
    if (quote == '\'' || (quote == '"' && c != '\\')) {
      if (c == quote)
        quote = 0;
      else
        *word += c;
    } else if (c == '\\' && next && (!quote || text[i + 1] == '"' || text[i + 1] == '\\')) {
      word = word.value_or("") + text[++i];
    } else if (!quote && (c == '\'' || c == '"')) {
      quote = c;
      word = word.value_or("");
    } else if (!quote && (c == ' ' || c == '\t' || c == '\n')) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
    } else {
      word = word.value_or("") + c;
    }
  }
  if (quote) throw InputError(fmt::format("{}: the {} has no end; close the quote", where, quote));
  if (word) words.push_back(*word);
  return words;
}

ExternalScheduler read_external(const std::string& spec, const nlohmann::json& settings,
                                const std::string& where) {
  ExternalScheduler e;
  e.spec = spec;
  JsonReader reader(settings, where);  // known keys of a larger object: read, not finished
  const std::string rest = spec.substr(prefix_length);
  if (is_library(spec)) {
    e.file = rest;
    if (e.file.empty()) throw InputError(where + ": names no file; use lib:FILE.so");
    return e;
  }
  e.command = split_words(rest, where);
  if (e.command.empty() || e.command[0].empty())
    throw InputError(where + ": names no program; use cmd:PROGRAM, with arguments after a blank");
  e.timeout_s = reader.number("timeout_s", e.timeout_s, 0.001, 3600);
  return e;
}

nlohmann::ordered_json external_settings(const std::string& spec, const nlohmann::json& settings,
                                         const std::string& where) {
  const ExternalScheduler e = read_external(spec, settings, where);
  nlohmann::json effective = settings;
  if (e.is_command()) effective["timeout_s"] = e.timeout_s;
  return nlohmann::ordered_json(effective);
}

std::string with_file_in(const std::string& folder, const std::string& scheduler) {
  if (!is_library(scheduler) || scheduler.size() == prefix_length) return scheduler;
  return "lib:" +
         fs::absolute(fs::path(folder) / scheduler.substr(prefix_length)).lexically_normal().string();
}

std::vector<std::string> result_names(const std::vector<std::string>& schedulers) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const std::string& scheduler : schedulers)
    if (!is_external(scheduler)) taken.insert(scheduler);
  for (const std::string& scheduler : schedulers) {
    if (!is_external(scheduler)) {
      names.push_back(scheduler);
      continue;
    }
    const std::string base = scheduler.substr(0, prefix_length - 1) + "-" + stem_of(scheduler);
    std::string name = base;
    for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}-{}", base, n);
    names.push_back(name);
  }
  return names;
}

nlohmann::json settings_by_scheduler(const nlohmann::json& settings,
                                     const std::vector<std::string>& schedulers, const std::string& folder,
                                     const std::string& where) {
  const std::vector<std::string> names = result_names(schedulers);
  nlohmann::json by_scheduler = nlohmann::json::object(), by_name = nlohmann::json::object();
  for (const auto& [key, value] : settings.items()) {
    const auto at = std::find(names.begin(), names.end(), key);
    if (at != names.end()) {
      by_name[schedulers[static_cast<size_t>(at - names.begin())]] = value;
      continue;
    }
    const std::string scheduler = with_file_in(folder, key);
    if (by_scheduler.contains(scheduler))
      throw InputError(fmt::format("{}: {} has settings twice; remove one of them", where, scheduler));
    by_scheduler[scheduler] = value;
  }
  for (const auto& [scheduler, value] : by_name.items()) {
    nlohmann::json& own = by_scheduler[scheduler];
    if (own.is_object() && value.is_object())
      own.update(value);
    else
      own = value;
  }
  return by_scheduler;
}

}  // namespace alertbench
