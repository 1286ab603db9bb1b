// The folder of a result, and how a command that fills it ends.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/interrupt.h"
#include "runner/run.h"
#include "trace/manifest.h"

namespace alertbench {

// A manifest that is on disk from the start, and says how it ended whatever happens.
class ResultFolder {
 public:
  // Makes options.out (see make_result_folder). `scenario`: its effective settings, or what stands for them.
  ResultFolder(const nlohmann::ordered_json& scenario, const RunOptions& options);
  void write() const { write_manifest(folder_, manifest); }
  void finish(RunStatus status);
  const std::string& path() const { return folder_; }

  Manifest manifest;

 private:
  std::string folder_;
};

// Runs `body`; whatever it throws is noted in the manifest before it goes on.
template <class Body>
ExitCode guarded(ResultFolder& result, Body body) {
  try {
    return body();
  } catch (const std::exception& e) {
    result.manifest.verdict = {false, {e.what()}};
    try {
      result.finish(interrupted() ? RunStatus::partial : RunStatus::failed);
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    throw;
  }
}

// Writes the verdict, and says it: valid without `reasons` and unless interrupted.
ExitCode conclude(ResultFolder& result, std::vector<std::string> reasons, bool quiet);

}  // namespace alertbench
