// manifest.json: how a result folder was made, and whether the result is valid. The caller fills in plain
// values. The file is rewritten at each change of status, so a killed run remains "running", with everything
// that was known.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "host/host.h"

namespace alertbench {

constexpr const char* manifest_schema_version = "1.2";

enum class RunStatus { running, complete, partial, failed };
const char* to_string(RunStatus status);

struct Verdict {
  std::optional<bool> valid;         // empty until the run has ended
  std::vector<std::string> reasons;  // every reason why the result is invalid, with its numbers
};

struct Manifest {
  RunStatus status = RunStatus::running;
  std::string started_at, finished_at;  // utc_now(); empty: not yet
  std::vector<std::string> argv;
  nlohmann::ordered_json scenario;   // effective settings, defaults included
  nlohmann::ordered_json seeds;      // name -> seed
  nlohmann::ordered_json libraries;  // LibTorch, BLAS, threads
  // Facts reported by the parts of the run; null if they are unknown or do not apply.
  nlohmann::ordered_json data, networks, placement, power, co_runner;
  nlohmann::ordered_json machine_use;          // what else happened on the machine during the run
  nlohmann::ordered_json schedulers_left_out;  // notes on schedulers that cannot run on these networks
  nlohmann::ordered_json external_schedulers;  // which are not built in: plugins/external_schedulers.h
  std::string energy_source, accuracy_source;
  std::vector<FileFact> files;  // every file that was read
  // Every file below the folder that is or may be written; listed before it exists.
  std::vector<std::string> outputs;
  Host host;  // at the start of the run
  std::vector<std::string> warnings;
  Verdict verdict;

  // Hashes the file and adds it to `files`, once for each path.
  void add_file(const std::string& path);
};

nlohmann::ordered_json to_json(const Manifest& manifest);
// Writes FOLDER/manifest.json atomically.
void write_manifest(const std::string& folder, const Manifest& manifest);

std::string utc_now();                 // "2020-07-15T12:34:56Z"
std::string tool_version();            // of the build; "unknown" if the build did not set it
nlohmann::ordered_json build_facts();  // version, git revision, dirty flag, compiler

}  // namespace alertbench
