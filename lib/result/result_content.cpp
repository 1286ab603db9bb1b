#include "result/result_content.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t most_named = 8;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::symlink_status(path, ignored));
}

std::set<std::string> texts_of(const json& list) {
  std::set<std::string> texts;
  if (list.is_array())
    for (const json& item : list)
      if (item.is_string()) texts.insert(item.get<std::string>());
  return texts;
}

// Before manifests listed what was written.
bool written_by_an_old_version(const std::string& name) {
  static const std::regex names(
      "(manifest|profile|summary|evaluation)\\.json|traces/[^/]*\\.jsonl|figures/[^/]*\\.(pdf|png)|"
      "recording/([a-z0-9_]+\\.npy|(recording|profile)\\.json|inputs\\.part\\.jsonl)");
  return std::regex_match(name, names);
}

// "interrupted-3" of "interrupted-3/traces/a.jsonl": a result of its own. Empty for other names.
std::string inner_result(const std::string& name) {
  static const std::regex inner("(interrupted-[0-9]+)/.*");
  std::smatch found;
  return std::regex_match(name, found, inner) ? found[1].str() : "";
}

// What a write that was cut off leaves beside its file.
std::string without_temporary_ending(const std::string& name) {
  static const std::regex ending("\\.tmp\\.[0-9]+$");
  return std::regex_replace(name, ending, "");
}

std::string named(const std::set<std::string>& names) {
  std::vector<std::string> some;
  for (const std::string& name : names)
    if (some.size() < most_named) some.push_back(name);
  return fmt::format("{}{}", fmt::join(some, ", "),
                     names.size() > most_named ? fmt::format(" and {} more", names.size() - most_named) : "");
}

}  // namespace

ResultContent content_of_result(const std::string& folder) {
  ResultContent content;
  std::set<std::string> listed, figures;
  bool old_version = false;
  if (const std::string path = folder + "/manifest.json"; is_file(path)) {
    const json manifest = read_json_file(path, {size_t{64} << 20, 64, 10'000'000});
    const auto tool = manifest.is_object() ? manifest.value("tool", json()) : json();
    if (!tool.is_object() || tool.value("name", json()) != "alert-bench")
      throw InputError(
          path + ": was not written by alert-bench, so this folder is not a result; choose another --out");
    content.is_result = true;
    old_version = !manifest.contains("outputs");
    if (!old_version) listed = texts_of(manifest["outputs"]);
    listed.insert({"manifest.json", ".lock"});
  }
  if (const std::string path = folder + "/figures/written.json"; content.is_result && is_file(path)) {
    for (const std::string& name : texts_of(read_json_file(path, {size_t{1} << 20, 4, 100'000})))
      figures.insert("figures/" + name);
    figures.insert("figures/written.json");
  }
  std::set<std::string> inner;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory() && !at->is_symlink()) continue;
    const std::string name = at->path().lexically_relative(folder).string(),
                      base = without_temporary_ending(name);
    if (const std::string other = inner_result(name); !other.empty()) {
      inner.insert(other);
      continue;
    }
    const bool own = is_file(at->path()) && (listed.count(base) || figures.count(base) ||
                                             (old_version && written_by_an_old_version(base)));
    (own ? content.own : content.foreign).insert(name);
  }
  if (error && fs::exists(folder))
    throw EnvironmentError(fmt::format("{}: cannot be read ({})", folder, error.message()));
  for (const std::string& name : inner) {
    const ResultContent below = content_of_result(folder + "/" + name);
    for (const std::string& n : below.own) content.own.insert(name + "/" + n);
    for (const std::string& n : below.foreign) content.foreign.insert(name + "/" + n);
  }
  content.foreign.erase(".lock");  // of this process, or of one that was killed
  return content;
}

std::set<std::string> make_result_folder(const std::string& path, Existing existing) {
  const fs::path folder(path);
  std::error_code error;
  ResultContent content = content_of_result(path);
  if (content.is_result && existing == Existing::refuse)
    throw InputError(fmt::format(
        "{}: already contains a result (manifest.json); choose another --out, or pass --overwrite", path));
  if (content.is_result && existing == Existing::overwrite && !content.foreign.empty())
    throw InputError(
        fmt::format("{}: --overwrite deletes only what alert-bench wrote; other files: {}. Move them, "
                    "or choose another --out",
                    path, named(content.foreign)));
  std::set<std::string> stays;
  for (const std::string& name : content.own) {
    const bool kept = name.rfind("recording/", 0) == 0 || !inner_result(name).empty() ||
                      (existing == Existing::resume && name == "profile.json");
    if (kept || name == "manifest.json")
      stays.insert(name);
    else if (fs::remove(folder / name, error); error)
      throw EnvironmentError(fmt::format("{}: cannot clear {} ({})", path, name, error.message()));
  }
  // The manifest last: a folder that is half cleared must still be known as a result.
  if (stays.erase("manifest.json") && (fs::remove(folder / "manifest.json", error), error))
    throw EnvironmentError(fmt::format("{}: cannot clear manifest.json ({})", path, error.message()));
  for (const char* name : {"traces", "recording", "figures"}) {
    fs::create_directories(folder / name, error);
    if (!error && ::access((folder / name).c_str(), W_OK | X_OK) != 0)
      error = std::error_code(errno, std::generic_category());
    if (error)
      throw EnvironmentError(fmt::format(
          "{}: cannot write results to this folder: {} ({}); choose a folder you may write to with --out",
          path, name, error.message()));
  }
  return stays;
}

}  // namespace alertbench
