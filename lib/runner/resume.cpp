#include "runner/resume.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_lines.h"
#include "base/json_reader.h"

namespace alertbench {

namespace fs = std::filesystem;

std::optional<Recording> recording_so_far(const Scenario& scenario, const std::string& folder) {
  if (!fs::exists(folder + "/recording.json")) return {};
  Recording so_far = Recording::load(folder);
  // As plain JSON: the order of keys means nothing.
  const auto plain = [](const nlohmann::ordered_json& j) { return nlohmann::json::parse(json_text(j)); };
  const nlohmann::json now = plain(scenario.to_json());
  if (const nlohmann::json then = plain(so_far.info.value("scenario", nlohmann::ordered_json::object()));
      then != now) {
    std::vector<std::string> differ;
    for (const auto& [key, value] : now.items())
      if (!then.contains(key) || then[key] != value) differ.push_back(key);
    throw InputError(
        fmt::format("--resume: {}: was begun with another scenario (it differs in: {}); use the same one, or "
                    "record into another --out",
                    folder, fmt::join(differ, ", ")));
  }
  if (so_far.truth.inputs == 0) return {};
  return so_far;
}

bool is_complete(const std::string& folder) {
  const std::string manifest = folder + "/manifest.json";
  if (!fs::exists(manifest)) return false;
  const nlohmann::json j = read_json_file(manifest);
  return j.is_object() && j.value("status", nlohmann::json()) == "complete";
}

void keep_interrupted(const std::string& folder) {
  if (!fs::exists(folder + "/manifest.json")) return;
  int n = 1;
  while (fs::exists(fmt::format("{}/interrupted-{}", folder, n))) ++n;
  const std::string kept = fmt::format("{}/interrupted-{}", folder, n);
  fs::create_directories(kept);
  if (fs::exists(folder + "/traces")) fs::rename(folder + "/traces", kept + "/traces");
  fs::copy_file(folder + "/manifest.json", kept + "/manifest.json");
}

}  // namespace alertbench
