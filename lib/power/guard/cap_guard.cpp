#include "power/guard/cap_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/atomic_file.h"
#include "base/console.h"
#include "base/installation.h"
#include "base/json_lines.h"
#include "base/limits.h"
#include "host/host.h"
#include "power/rapl/powercap_tree.h"
#include "power/registry.h"
#include "result/manifest.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

// A run that was killed just now: its watchdog needs a moment.
constexpr auto patience = std::chrono::milliseconds(500);

// "pid 12 (alert-bench run x.json), since 2020-..": as far as the state file tells.
std::string holder(const std::string& state_file) {
  try {
    const CapState s = read_cap_state(state_file);
    return fmt::format("process {} ({}), since {}", s.pid, s.command, s.since);
  } catch (const Error&) {
    return fmt::format("a run that is not recorded in {} (another user's, or just starting or ending)",
                       state_file);
  }
}

// Away from the low numbers, to which the watchdog's descriptors are moved.
int moved_up(int fd) {
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  close(fd);
  return high;
}

int open_locked(const std::string& path, const std::string& state_file) {
  const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0)
    throw EnvironmentError(
        fmt::format("power: {}: cannot open this file ({}); choose --set power.backend=emulated", path,
                    std::strerror(errno)));
  const int file = moved_up(opened);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if ((error == EWOULDBLOCK || error == EINTR) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    close(file);
    if (error != EWOULDBLOCK)
      throw EnvironmentError(
          fmt::format("power: {}: cannot lock this file ({})", path, std::strerror(error)));
    throw CapsTaken(fmt::format("power: this machine's caps are in use by {}; wait until it has ended",
                                holder(state_file)));
  }
  return file;
}

}  // namespace

std::string find_cap_guard() {
  std::string path;
  if (const char* named = std::getenv("ALERT_CAP_GUARD"); named && *named) {
    path = named;
  } else {
    path = beside_program("alert-cap-guard");
  }
  if (access(path.c_str(), X_OK) != 0)
    throw EnvironmentError(fmt::format(
        "power: cannot run {}: {}; {}, or set ALERT_CAP_GUARD to another", path, std::strerror(errno),
        errno == EACCES ? "make it executable (chmod +x; is its file system mounted noexec?)"
                        : "build alert-cap-guard"));
  return path;
}

std::string machine_lock_file(const std::string& root) {
  for (const PowerBackendEntry& backend : power_backends())
    if (backend.lock_file)
      if (const std::string file = backend.lock_file(root); !file.empty()) return file;
  return "";
}

CapGuard::CapGuard(const std::string& root, const std::string& folder, const std::string& nvml_library)
    : root_(root_prefix(root)),
      state_file_(fs::absolute(state_path(folder)).string()),
      nvml_library_(nvml_library) {
  // The watchdog works in another folder.
  if (nvml_library_.find('/') != std::string::npos) nvml_library_ = fs::absolute(nvml_library_).string();
  const std::string lock_file = machine_lock_file(root);
  if (lock_file.empty())
    throw EnvironmentError(fmt::format(
        "power: below \"{}\" there is nothing to lock against a second run (no powercap package, no cpufreq "
        "policy, no /dev/nvidiactl); choose --set power.backend=emulated",
        root));
  lock_ = open_locked(root_ + lock_file, state_file_);
  try {
    prepare_folder(folder);
    restore_what_was_left();
  } catch (...) {
    close(lock_);
    throw;
  }
}

void CapGuard::prepare_folder(const std::string& folder) const {
  std::error_code error;
  fs::create_directories(fs::absolute(folder).parent_path(), error);
  if (!error && ::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    error = std::error_code(errno, std::generic_category());
  if (const std::string why = error ? "" : why_not_trusted(folder); !why.empty())
    throw EnvironmentError(
        fmt::format("power: {}: {}, so caps saved there could not be trusted; choose another folder with "
                    "--set power.state_folder=DIR --allow-commands",
                    folder, why));
  if (error || access(folder.c_str(), W_OK | X_OK) != 0)
    throw EnvironmentError(
        fmt::format("power: {}: the original caps cannot be saved in this folder ({}); choose another with "
                    "--set power.state_folder=DIR --allow-commands",
                    folder, error ? error.message() : std::strerror(errno)));
}

void CapGuard::restore_what_was_left() {
  if (!fs::exists(state_file_)) return;
  const CapState left = read_cap_state(state_file_);
  if (left.root != root_)
    throw EnvironmentError(
        fmt::format("power: {}: belongs to the machine below \"{}\"; choose another folder with "
                    "--set power.state_folder=DIR --allow-commands",
                    state_file_, left.root));
  const auto failures = restore_state(left, nvml_library_);
  if (!failures.empty())
    throw EnvironmentError(
        fmt::format("power: process {} ({}) left changed caps behind, and they cannot be restored: {}. They "
                    "are saved in {}; `alert-bench restore` tries again",
                    left.pid, left.command, fmt::join(failures, "; "), state_file_));
  fs::remove(state_file_);
  notes_.push_back(fmt::format("process {} ({}), of {}, had left changed caps behind; they were restored",
                               left.pid, left.command, left.since));
}

void CapGuard::remember(std::vector<CapValue> values) {
  for (const CapValue& v : values)
    if (!cap_file(v.file))
      throw EnvironmentError(
          fmt::format("power: {}: state files must not contain a file of this form, so it could not be "
                      "restored, and it is not changed; choose --set power.backend=emulated",
                      v.file));
  state_ = {static_cast<int>(getpid()), own_command(), utc_now(), root_, std::move(values)};
  if (watchdog_ < 0) start_watchdog();
  write_file_atomically(state_file_, json_text(to_json(state_), 1) + "\n");
  ::chmod(state_file_.c_str(),
          0644);  // whatever the umask: read_cap_state() trusts no file that others may write
  remembered_ = true;
}

void CapGuard::start_watchdog() {
  const std::string program = find_cap_guard(), owner = std::to_string(getpid());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    const int reason = errno;
    throw EnvironmentError(
        fmt::format("power: no channel to the watchdog ({}){}", std::strerror(reason), limit_behind(reason)));
  }
  channel_ = moved_up(ends[0]);
  const int theirs = moved_up(ends[1]);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, theirs, guard_channel_fd);
  posix_spawn_file_actions_adddup2(&files, lock_, guard_lock_fd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A session of its own: neither Ctrl-C nor the end of the terminal reaches it.
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &all);  // until it has made up its mind about each
  char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>(state_file_.c_str()),
                  const_cast<char*>(owner.c_str()),
                  of_gpu(state_) ? const_cast<char*>(nvml_library_.c_str()) : nullptr, nullptr};
  const int error = posix_spawn(&watchdog_, program.c_str(), &files, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(theirs);
  char ready = 0;
  ssize_t got = 0;
  if (error) {
    watchdog_ = -1;
  } else {
    while ((got = read(channel_, &ready, 1)) < 0 && errno == EINTR) {
    }
  }
  if (got == 1) return;
  let_go();
  throw EnvironmentError(
      fmt::format("power: the watchdog {} did not start{}; without it no cap is changed", program,
                  error ? fmt::format(" ({}{})", std::strerror(error), limit_behind(error)) : ""));
}

bool CapGuard::watchdog_alive() const {
  siginfo_t info{};
  return watchdog_ > 0 &&
         waitid(P_PID, static_cast<id_t>(watchdog_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

std::vector<std::string> CapGuard::restore() {
  return remembered_ ? restore_state(state_, nvml_library_) : std::vector<std::string>();
}

// The watchdog sees the end of the channel and, without a state file, has nothing to do.
void CapGuard::let_go() {
  if (channel_ >= 0) close(channel_);
  channel_ = -1;
  if (watchdog_ > 0)
    while (waitpid(watchdog_, nullptr, 0) < 0 && errno == EINTR) {
    }
  watchdog_ = -1;
}

CapGuard::~CapGuard() {
  const auto failures = restore();
  std::error_code ignored;
  if (failures.empty()) {
    if (remembered_) fs::remove(state_file_, ignored);
  } else {
    say("alert-bench: power caps: {}; `alert-bench restore` tries again", fmt::join(failures, "; "));
  }
  let_go();
  close(lock_);
}

RestoreResult restore_caps(const std::string& root, const std::string& folder,
                           const std::string& nvml_library) {
  const std::string path = state_path(folder);
  RestoreResult result;
  if (!fs::exists(path)) return result;
  result.found = true;
  result.state = read_cap_state(path);
  if (result.state.root != root_prefix(root))
    throw InputError(fmt::format("{}: belongs to the machine below \"{}\"; add --root {}", path,
                                 result.state.root, result.state.root.empty() ? "/" : result.state.root));
  // The same lock that the run takes, so that a living run is never undone.
  const std::string lock_file = machine_lock_file(root);
  const int lock = lock_file.empty() ? -1 : open_locked(root_prefix(root) + lock_file, path);
  std::vector<std::string> failures;
  if (fs::exists(path)) {  // else a watchdog was faster
    failures = restore_state(result.state, nvml_library);
    if (failures.empty()) fs::remove(path);
  }
  if (lock >= 0) close(lock);
  if (!failures.empty()) throw RunError(fmt::format("power caps: {}", fmt::join(failures, "; ")));
  return result;
}

}  // namespace alertbench
