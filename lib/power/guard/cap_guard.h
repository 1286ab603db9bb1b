// Sees to it that a machine's caps are put back, whatever ends the run that changed them: the state file, the
// lock against a second run, and the watchdog process.
//
// The lock is on a file of the machine (see machine_lock_file()), not on the state file: it holds for all
// users, whatever folder they note the state in and whatever they cap, and ends with the last process that
// has it open. The watchdog has it open too, so that nobody can begin before the caps of a killed run are
// back.
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

// The one file that a run locks which changes caps, below the root, whatever the backend: the name of the
// first powercap package, else the frequency of the first cpufreq policy, else the driver's file for GPUs.
// Empty where there is none of them.
std::string machine_lock_file(const std::string& root);

class CapGuard {
 public:
  // CapsTaken names the run that has the lock; EnvironmentError where it cannot be had. A state file left by
  // a run that is gone is put back at once, see notes(). `nvml_library` is needed where GPUs are in that
  // file, or in what remember() is given.
  CapGuard(const std::string& root, const std::string& folder,
           const std::string& nvml_library = default_nvml_library);
  ~CapGuard();  // puts back; a failure goes to stderr, and the state file then stays for `alert-bench
                // restore`
  CapGuard(const CapGuard&) = delete;
  CapGuard& operator=(const CapGuard&) = delete;

  // What is to be put back. When it returns, the watchdog stands by and the state is on disk: only now may a
  // cap be changed. EnvironmentError for what cap_file() refuses: it could not be put back.
  void remember(std::vector<CapValue> values);
  std::vector<std::string> put_back();  // what failed; any number of times
  bool watchdog_alive() const;

  const std::string& state_file() const { return state_file_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void start_watchdog();
  void let_go();

  std::string root_, state_file_, nvml_library_;
  CapState state_;
  bool remembered_ = false;
  int lock_ = -1, channel_ = -1;
  pid_t watchdog_ = -1;
  std::vector<std::string> notes_;
};

// `alert-bench restore`: what a killed run left behind, put back by hand. EnvironmentError while a run (or
// its watchdog) is still at it; RunError names what could not be written, the state file stays then. A path
// of the library never comes from there.
struct RestoreResult {
  bool found = false;  // a state file
  CapState state;
};
RestoreResult restore_caps(const std::string& root, const std::string& folder,
                           const std::string& nvml_library = default_nvml_library);

// $ALERT_CAP_GUARD, or alert-cap-guard beside the running program. EnvironmentError if it cannot be run.
std::string find_cap_guard();

// Of the watchdog's own descriptors, between this file and apps/cap-guard.
constexpr int guard_channel_fd = 3, guard_lock_fd = 4;

}  // namespace alertbench
