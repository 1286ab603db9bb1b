// Manages the folder of a result, and the end of the command that fills it, for `run`, `record`, `replay`,
// `sweep` and `merge`.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "result/folder_lock.h"
#include "result/manifest.h"
#include "result/result_content.h"

namespace alertbench {

// Holds a manifest that is on disk from the start and always states how the command ended. No other process
// works in the folder while this object lives.
class ResultFolder {
 public:
  // Locks the folder (see FolderLock) without writing a result yet.
  explicit ResultFolder(const std::string& path) : ResultFolder(FolderLock(path)) {}
  // Takes over a lock that was needed earlier, for example to read the result to be continued.
  explicit ResultFolder(FolderLock lock) : lock_(std::move(lock)) {}
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  const std::string& path() const { return lock_.folder(); }
  // RunError if the path now leads to another folder (see FolderLock). Call it before files are opened by
  // their path.
  void check_place() const { lock_.check_place(); }

  // Makes the folder ready for manifest.outputs (see make_result_folder). InputError if one of them exists
  // and was not written by alert-bench.
  void make_room(Existing existing) const;
  // Writes a manifest that says "running", with the facts of this command and this machine.
  void begin(const std::vector<std::string>& argv, const nlohmann::ordered_json& scenario,
             const nlohmann::ordered_json& seeds);
  void write() const;  // the manifest as it is now
  // Runs `body`. An exception is noted in the manifest and rethrown.
  template <class Body>
  ExitCode guarded(Body body) {
    try {
      return body();
    } catch (const std::exception& e) {
      fail(e.what());
      throw;
    }
  }
  // Writes the verdict and prints it. A result is valid if `reasons` is empty and the command was not
  // interrupted. `remark` is printed after the path of the folder.
  ExitCode conclude(std::vector<std::string> reasons, bool quiet, const std::string& remark = "");

  Manifest manifest;

 private:
  void fail(const std::string& what);
  void finish(RunStatus status);

  FolderLock lock_;
  // Holds space on the disk for the last manifest, so that a verdict can be written even if the disk fills
  // up.
  int reserve_ = -1;
};

}  // namespace alertbench
