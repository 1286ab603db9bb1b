// The folder of a result, and how a command that fills it ends.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "result/folder_lock.h"
#include "result/manifest.h"
#include "runner/run.h"

namespace alertbench {

// A manifest that is on disk from the start, and says how it ended whatever happens. Nobody else works in the
// folder meanwhile.
class ResultFolder {
 public:
  // Makes options.out (see make_result_folder). `scenario`: its effective settings, or what stands for them.
  // `traces`: those that will be written (trace_names()); InputError where one of them, or another file of a
  // result, is there and alert-bench did not write it. `lock`: of options.out, where it was taken before
  // (what is to be gone on with is read under it).
  ResultFolder(const nlohmann::ordered_json& scenario, const RunOptions& options,
               const std::vector<std::string>& traces)
      : ResultFolder(scenario, options, traces, FolderLock(options.out)) {}
  ResultFolder(const nlohmann::ordered_json& scenario, const RunOptions& options,
               const std::vector<std::string>& traces, FolderLock lock);
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  // RunError where the folder is another one by now (see FolderLock). Call it before files are opened by
  // their path.
  void check_place() const { lock_.check_place(); }
  void write() const;
  void finish(RunStatus status);
  const std::string& path() const { return lock_.folder(); }

  Manifest manifest;

 private:
  FolderLock lock_;
  int reserve_ =
      -1;  // holds space on the disk for the last manifest, so that a disk that fills up has a verdict
};

// Traces as SCHEDULER.SETTING.MODE.jsonl, below the folder.
std::vector<std::string> trace_names(const std::vector<std::string>& schedulers,
                                     const std::vector<std::string>& settings,
                                     const std::vector<std::string>& modes);

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
