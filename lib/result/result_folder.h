// The folder of a result, and how a command that fills it ends. The same for `run`, `record`, `replay`,
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

// Holds a manifest that is on disk from the start, and that says how the command ended, whatever happens.
// No other process works in the folder while this object lives.
class ResultFolder {
 public:
  // Locks the folder (see FolderLock), and writes nothing yet.
  explicit ResultFolder(const std::string& path) : ResultFolder(FolderLock(path)) {}
  // Takes over a lock that was needed before, for example to read what is to be continued.
  explicit ResultFolder(FolderLock lock) : lock_(std::move(lock)) {}
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  const std::string& path() const { return lock_.folder(); }
  // RunError where the path leads to another folder by now (see FolderLock). Call it before files are opened
  // by their path.
  void check_place() const { lock_.check_place(); }

  // Makes the folder ready for manifest.outputs (see make_result_folder). InputError where one of them exists
  // and alert-bench did not write it.
  void make_room(Existing existing) const;
  // Writes a manifest that says "running", with the facts of this command and this machine.
  void begin(const std::vector<std::string>& argv, const nlohmann::ordered_json& scenario,
             const nlohmann::ordered_json& seeds);
  void write() const;  // the manifest as it is now
  // Runs `body`. What it throws is noted in the manifest before it goes on.
  template <class Body>
  ExitCode guarded(Body body) {
    try {
      return body();
    } catch (const std::exception& e) {
      fail(e.what());
      throw;
    }
  }
  // Writes the verdict, and says it. A result is valid without `reasons`, and unless it was interrupted.
  // `remark` follows the folder where its path is printed.
  ExitCode conclude(std::vector<std::string> reasons, bool quiet, const std::string& remark = "");

  Manifest manifest;

 private:
  void fail(const std::string& what);
  void finish(RunStatus status);

  FolderLock lock_;
  // Holds space on the disk for the last manifest, so that a result has a verdict even where the disk fills
  // up.
  int reserve_ = -1;
};

}  // namespace alertbench
