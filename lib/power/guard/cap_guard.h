// Restores the caps of a machine whatever ends the run that changed them. It consists of the state file, the
// lock against a second run, and the watchdog process.
//
// The lock is on a file of the machine (see machine_lock_file()), not on the state file. So it holds for all
// users, whatever they cap and whichever folder they note the state in, and it ends with the last process
// that has the file open. The watchdog has it open too, so that no other run can begin before the caps of a
// killed run are restored.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "power/guard/cap_state.h"
#include "power/nvml/nvml_library.h"

namespace alertbench {

// Another run has this machine's caps.
struct CapsTaken : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

// Lock file shared by all backends, below the root; a run that changes caps must hold it. It is the first
// that any power backend names, in the order of the registry (PowerBackendEntry::lock_file). Empty if no
// backend names one.
std::string machine_lock_file(const std::string& root);

class CapGuard {
 public:
  // Takes the lock. CapsTaken names the run that holds it; EnvironmentError if it cannot be taken for another
  // reason. If a run that no longer exists left a state file, its caps are restored at once, see notes().
  // `nvml_library` is needed if GPUs are in that file, or in what remember() is given.
  CapGuard(const std::string& root, const std::string& folder,
           const std::string& nvml_library = default_nvml_library);
  // Restores the caps. A failure goes to stderr, and the state file then stays for `alert-bench restore`.
  ~CapGuard();
  CapGuard(const CapGuard&) = delete;
  CapGuard& operator=(const CapGuard&) = delete;

  // Takes note of the values to restore. Only when it has returned, with the watchdog running and the state
  // on disk, may a cap be changed. EnvironmentError for a file that cap_file() refuses, because nothing could
  // restore it.
  void remember(std::vector<CapValue> values);
  std::vector<std::string> restore();  // what failed; can be called any number of times
  bool watchdog_alive() const;

  const std::string& state_file() const { return state_file_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void prepare_folder(const std::string& folder) const;
  void restore_what_was_left();
  void start_watchdog();
  void let_go();

  std::string root_, state_file_, nvml_library_;
  CapState state_;
  bool remembered_ = false;
  int lock_ = -1, channel_ = -1;
  pid_t watchdog_ = -1;
  std::vector<std::string> notes_;
};

// What `alert-bench restore` does: restores the caps that a killed run left. EnvironmentError while a run, or
// its watchdog, still holds the lock. RunError names what could not be written, and the state file then
// stays. The path of the library never comes from the state file.
struct RestoreResult {
  bool found = false;  // whether there was a state file
  CapState state;
};
RestoreResult restore_caps(const std::string& root, const std::string& folder,
                           const std::string& nvml_library = default_nvml_library);

// $ALERT_CAP_GUARD, or alert-cap-guard next to the running program. EnvironmentError if it cannot be run.
std::string find_cap_guard();

// The watchdog's own descriptors, agreed between this file and apps/cap-guard.
constexpr int guard_channel_fd = 3, guard_lock_fd = 4;

}  // namespace alertbench
