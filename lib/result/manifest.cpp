#include "result/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/atomic_file.h"
#include "base/json_lines.h"

// Written by the build (cmake/version.cmake): two strings, and true or false.
#if __has_include("alert_version.h")
#include "alert_version.h"
#endif
#ifndef ALERT_VERSION
#define ALERT_VERSION "unknown"
#endif
#ifndef ALERT_GIT_REVISION
#define ALERT_GIT_REVISION "unknown"
#endif
#ifdef ALERT_GIT_DIRTY
#define ALERT_DIRTY_OR_NULL (ALERT_GIT_DIRTY)
#else
#define ALERT_DIRTY_OR_NULL nullptr
#endif

namespace alertbench {
namespace {

using nlohmann::ordered_json;

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

}  // namespace

const char* to_string(RunStatus status) {
  switch (status) {
    case RunStatus::running:
      return "running";
    case RunStatus::complete:
      return "complete";
    case RunStatus::partial:
      return "partial";
    case RunStatus::failed:
      return "failed";
  }
  return "failed";
}

void Manifest::add_file(const std::string& path) {
  const auto same = [&](const FileFact& file) { return file.path == path; };
  if (std::none_of(files.begin(), files.end(), same)) files.push_back(hash_file(path));
}

ordered_json to_json(const Manifest& manifest) {
  ordered_json files = ordered_json::array();
  for (const auto& file : manifest.files)
    files.push_back({{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  const auto& valid = manifest.verdict.valid;
  return {
      {"schema_version", manifest_schema_version},
      {"status", to_string(manifest.status)},
      {"verdict",
       {{"valid", valid ? ordered_json(*valid) : ordered_json()}, {"reasons", manifest.verdict.reasons}}},
      {"warnings", manifest.warnings},
      {"started_at", text_or_null(manifest.started_at)},
      {"finished_at", text_or_null(manifest.finished_at)},
      {"argv", manifest.argv},
      {"tool", build_facts()},
      {"libraries", manifest.libraries},
      {"data", manifest.data},
      {"networks", manifest.networks},
      {"placement", manifest.placement},
      {"power", manifest.power},
      {"co_runner", manifest.co_runner},
      {"machine_use", manifest.machine_use},
      {"schedulers_left_out", manifest.schedulers_left_out},
      {"external_schedulers", manifest.external_schedulers},
      {"host", to_json(manifest.host)},
      {"energy_source", text_or_null(manifest.energy_source)},
      {"accuracy_source", text_or_null(manifest.accuracy_source)},
      {"seeds", manifest.seeds},
      {"files", files},
      {"outputs", manifest.outputs},
      {"scenario", manifest.scenario},
  };
}

void write_manifest(const std::string& folder, const Manifest& manifest) {
  write_file_atomically(folder + "/manifest.json", json_text(to_json(manifest), 2) + "\n");
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string tool_version() { return ALERT_VERSION; }

ordered_json build_facts() {
  return {
      {"name", "alert-bench"},
      {"version", tool_version()},
      {"git_revision", ALERT_GIT_REVISION},
      {"git_dirty", ALERT_DIRTY_OR_NULL},
#ifdef __clang__
      {"compiler", "clang " __clang_version__},
#else
      {"compiler", "g++ " __VERSION__},
#endif
#ifdef __OPTIMIZE__
      {"optimised", true},
#else
      {"optimised", false},
#endif
  };
}

}  // namespace alertbench
