#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "host/process_tree.h"
#include "modes.h"

namespace alertbench {
namespace {

void send_report(Report::Kind kind, int value) {
  const Report report{kind, value};
  send(kChannelFd, &report, sizeof report, MSG_NOSIGNAL);
}

// Kills and reaps all below this process but a zombie named keep. We are the reaper of orphans, so that
// what left the process group is still below us. Gives up after some 10 s on what cannot be killed.
void clear_tree(pid_t group, pid_t keep) {
  if (group > 0) kill(-group, SIGKILL);
  for (int attempt = 0; attempt < 10'000; ++attempt) {
    bool left = false;
    for (const Process& p : descendants(getpid())) {
      if (p.pid == keep) continue;
      left = true;
      kill(
          p.pid,
          SIGKILL);  // a zombie too: it may be a process whose first thread has ended and whose others run on
      if (p.parent == getpid()) waitpid(p.pid, nullptr, WNOHANG);
    }
    if (!left) return;
    usleep(1000);
  }
}

[[noreturn]] void become(const std::vector<int>& cpus, char** command, const sigset_t& old_mask) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
  sigprocmask(SIG_SETMASK, &old_mask, nullptr);
  if (!cpus.empty() && !run_on(cpus)) {
    send_report(Report::pin_failed, errno);
  } else {
    execvp(command[0], command);
    send_report(Report::exec_failed, errno);
  }
  _exit(127);
}

// Reaps orphans. True once the command has ended; it is then left a zombie, so that the process group id
// stays taken while the harness may still signal it.
bool reap_until(pid_t command, int* status) {
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return false;
    if (info.si_pid == command) {
      *status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
      return true;
    }
    waitpid(info.si_pid, nullptr, 0);
  }
}

}  // namespace

int supervise(const std::vector<int>& cpus, char** command) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Only the end of the harness, or its word, ends us.
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  fcntl(kChannelFd, F_SETFD, FD_CLOEXEC);
  sigset_t child_ends, old_mask;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ends, &old_mask);
  const int child_fd = signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK);
  int exec_pipe[2];  // closed by a successful exec
  if (child_fd < 0 || pipe2(exec_pipe, O_CLOEXEC) != 0) return 1;

  const pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) become(cpus, command, old_mask);
  // The command's streams are its own: the harness must see when nobody holds their other ends any more.
  if (const int null = open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0)
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
  close(exec_pipe[1]);
  char byte;
  while (read(exec_pipe[0], &byte, 1) < 0 && errno == EINTR) {
  }
  close(exec_pipe[0]);
  // After a failure the harness has its report already and takes no notice of this one.
  send_report(Report::started, pid);

  pollfd events[] = {{kChannelFd, POLLIN, 0}, {child_fd, POLLIN, 0}};
  bool ended = false;
  for (;;) {
    if (poll(events, ended ? 1 : 2, -1) < 0) continue;
    if (events[0].revents) break;
    signalfd_siginfo drained;
    while (read(child_fd, &drained, sizeof drained) > 0) {
    }
    int status = 0;
    ended = reap_until(pid, &status);
    if (ended) {
      clear_tree(pid, pid);
      send_report(Report::ended, status);
    }
  }
  clear_tree(pid, -1);
  return 0;
}

}  // namespace alertbench
