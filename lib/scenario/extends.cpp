#include "scenario/extends.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/json_reader.h"
#include "schedulers/external.h"

namespace alertbench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr size_t longest_chain = 16;

// Values that are paths of files beside the scenario. A library's bare name is looked up by the system, so
// only one with a slash counts.
const std::vector<json::json_pointer>& path_keys() {
  static const std::vector<json::json_pointer> keys{json::json_pointer("/networks"),
                                                    json::json_pointer("/power/model"),
                                                    json::json_pointer("/power/frequency_table"),
                                                    json::json_pointer("/power/nvml_library"),
                                                    json::json_pointer("/co_runner/schedule/path"),
                                                    json::json_pointer("/arrivals/path")};
  return keys;
}

// Relative paths that counted from the folder `from` count from `to` afterwards.
void move_paths(json& scenario, const fs::path& from, const fs::path& to) {
  if (from.lexically_normal() == to.lexically_normal()) return;
  for (const json::json_pointer& key : path_keys()) {
    if (!scenario.contains(key) || !scenario[key].is_string()) continue;
    const fs::path path = scenario[key].get<std::string>();
    if (path.empty() || path.is_absolute() || (key.back() == "nvml_library" && !path.has_parent_path()))
      continue;
    // A file in the working folder has an empty parent path, which absolute() refuses.
    const fs::path here = fs::current_path();
    const fs::path moved =
        (here / from / path).lexically_normal().lexically_relative((here / to / "").lexically_normal());
    scenario[key] = (moved.has_parent_path() ? moved : "." / moved).string();
  }
  if (scenario.contains("schedulers"))
    for (json& scheduler : scenario["schedulers"])
      if (scheduler.is_string()) scheduler = with_file_in(from.string(), scheduler.get<std::string>());
  if (scenario.contains("scheduler_settings") && scenario["scheduler_settings"].is_object()) {
    json moved = json::object();
    for (const auto& [scheduler, settings] : scenario["scheduler_settings"].items())
      moved[with_file_in(from.string(), scheduler)] = settings;
    scenario["scheduler_settings"] = moved;
  }
}

std::string chain(const std::vector<std::string>& files, const std::string& last) {
  return fmt::format("{} -> {}", fmt::join(files, " -> "), last);
}

json read_merged(const std::string& path, std::vector<std::string>& files) {
  const auto same = [&](const std::string& file) {
    std::error_code error;
    return file == path || fs::equivalent(file, path, error);
  };
  if (std::any_of(files.begin(), files.end(), same))
    throw InputError(fmt::format("{}: extends: files that extend each other in a circle: {}", files.front(),
                                 chain(files, path)));
  if (files.size() == longest_chain)
    throw InputError(fmt::format("{}: extends: a chain of more than {} files: {}", files.front(),
                                 longest_chain, chain(files, path)));
  files.push_back(path);
  json own = read_json_file(path, written_by_hand);
  if (!own.is_object() || !own.contains("extends")) return own;
  JsonReader reader(own, path);
  const std::string name = reader.has("extends") ? reader.text("extends") : "";
  if (name.empty())
    reader.fail("extends", "expected the path of another scenario; omit the key if there is none");
  const fs::path folder = fs::path(path).parent_path();
  const fs::path base_path = (folder / name).lexically_normal();
  std::error_code error;  // a name may also be too long
  if (!fs::exists(base_path, error))
    reader.fail("extends", fmt::format("\"{}\": {} does not exist", name, base_path.string()));
  json merged = read_merged(base_path.string(), files);
  if (!merged.is_object()) throw InputError(fmt::format("{}: expected an object", base_path.string()));
  move_paths(merged, base_path.parent_path(), folder);
  own.erase("extends");
  merged.merge_patch(own);
  return merged;
}

}  // namespace

ExtendedScenario read_extended_scenario(const std::string& path) {
  ExtendedScenario result;
  result.content = read_merged(path, result.files);
  return result;
}

}  // namespace alertbench
