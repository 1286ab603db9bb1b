#include "contention/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/limits.h"
#include "contention/protocol.h"

namespace alertbench {
namespace {

constexpr int kKillTimeout_ms = 5000;

}  // namespace

void Descriptor::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exited with status {}", WEXITSTATUS(status));
}

Child::Child(const std::string& program, const std::vector<std::string>& arguments, int channel,
             const std::string& mark, const ChildStreams& streams) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment{const_cast<char*>(mark.c_str())};
  for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // The streams first: one of them may have the number that the channel takes.
  if (streams.in < 0)
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&files, streams.in, STDIN_FILENO);
  if (streams.out < 0)
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&files, streams.out, STDOUT_FILENO);
  if (streams.error >= 0) posix_spawn_file_actions_adddup2(&files, streams.error, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&files, channel, kChannelFd);

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);

  const int error = posix_spawn(&pid_, program.c_str(), &files, &attributes, argv.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error) {
    pid_ = -1;
    const std::string limit = limit_behind(error);
    throw EnvironmentError(fmt::format("co-runner: cannot run {}: {}{}", program, std::strerror(error),
                                       !limit.empty() ? limit
                                       : error == EAGAIN || error == ENOMEM
                                           ? "; end other processes"
                                           : "; build alert-co-runner, or set ALERT_CO_RUNNER to its path"));
  }
}

std::optional<int> Child::ended() const {
  siginfo_t info{};
  if (pid_ < 0 || waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return 0;
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
}

bool Child::reap(double timeout_s) {
  using clock = std::chrono::steady_clock;
  const auto deadline = clock::now() + std::chrono::duration<double>(timeout_s);
  while (!ended()) {
    if (clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return kill_and_reap();
}

bool Child::kill_and_reap() {
  if (pid_ < 0) return true;
  kill(pid_, SIGKILL);
  const pid_t pid = std::exchange(pid_, -1);
  for (int waited_ms = 0; waitpid(pid, nullptr, WNOHANG) == 0; ++waited_ms) {
    if (waited_ms > kKillTimeout_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace alertbench
