// The watchdog of a run that changes power caps: waits until that run is gone, however it ended, and restores
// the caps in its state file. See lib/power/guard/cap_guard.h, which starts it.
//   alert-cap-guard STATE_FILE OWNER_PID [NVML_LIBRARY], with the channel and the lock as descriptors 3 and 4
// If there are GPUs to restore, the library is opened before the run is told to go on. So a library that
// cannot be opened is reported in time, and the driver stays loaded: one that nobody uses forgets its
// settings, and takes seconds to start again.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/console.h"
#include "base/error.h"
#include "power/guard/cap_guard.h"

namespace {

namespace fs = std::filesystem;
using namespace alertbench;

constexpr int attempts = 20;
constexpr useconds_t pause_us = 100'000;

// Everything but SIGKILL: it ends when its work is done.
void ignore_signals() {
  for (int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU})
    ::signal(signal, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Returns nothing once all caps are restored and the state file is gone.
std::string restore_from(const std::string& path, const std::string& nvml_library) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return "";
  try {
    const CapState state = read_cap_state(path);
    const auto failures = restore_state(state, nvml_library);
    if (!failures.empty()) return fmt::format("{}", fmt::join(failures, "; "));
    fs::remove(path);
    say("alert-bench: process {} ended without restoring its power caps; the watchdog restored them",
        state.pid);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    say("usage: alert-cap-guard STATE_FILE OWNER_PID [NVML_LIBRARY] (started by alert-bench, not by hand)");
    return 2;
  }
  ignore_signals();
  closefrom(guard_lock_fd + 1);
  if (chdir("/") != 0) return 1;  // keeps no file system busy
  std::optional<Nvml> nvml;
  if (argc == 4) {
    try {
      nvml.emplace(argv[3]);
    } catch (const Error& e) {
      say("alert-bench: watchdog: {}", e.what());
      return 1;
    }
  }
  const char ready = 'r';
  if (write(guard_channel_fd, &ready, 1) != 1) return 1;
  char byte;
  ssize_t got;
  do {
    got = read(guard_channel_fd, &byte, 1);
  } while (got > 0 || (got < 0 && errno == EINTR));

  const std::string path = argv[1];
  std::string problem;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    problem = restore_from(path, argc == 4 ? argv[3] : default_nvml_library);
    if (problem.empty()) break;
    usleep(pause_us);
  }
  std::error_code ignored;
  fs::remove(fmt::format("{}.tmp.{}", path, argv[2]), ignored);  // of a write that was cut off
  if (problem.empty()) return 0;
  say("alert-bench: power caps: {}; `alert-bench restore` tries again", problem);
  return 1;
}
