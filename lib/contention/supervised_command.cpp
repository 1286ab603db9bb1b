#include "contention/supervised_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "contention/protocol.h"
#include "host/process_tree.h"

namespace alertbench {
namespace {

constexpr double kStopTimeout_s = 5;

}  // namespace

SupervisedCommand::~SupervisedCommand() {
  try {
    stop();
  } catch (...) {
  }
}

void SupervisedCommand::start(const std::string& generator_path, const std::vector<std::string>& command,
                              const std::vector<int>& cpus, const ChildStreams& streams) {
  why_ended_.clear();
  mark_ = new_mark();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw EnvironmentError(fmt::format("{}: cannot create a socket: {}", who_, std::strerror(errno)));
  socket_ = Descriptor(ends[0]);
  Descriptor theirs(ends[1]);
  std::vector<std::string> arguments{"--supervise"};
  for (int cpu : cpus) arguments.insert(arguments.end(), {"--cpu", std::to_string(cpu)});
  arguments.push_back("--");
  arguments.insert(arguments.end(), command.begin(), command.end());
  supervisor_ = Child(generator_path, arguments, theirs.get(), mark_, streams);
  theirs.reset();

  Report report{};
  if (recv(socket_.get(), &report, sizeof report, 0) != sizeof report)
    throw RunError(fmt::format("{}: its supervisor ended", who_));
  if (report.kind == Report::exec_failed)
    throw InputError(fmt::format("{} cannot be executed: {}", who_, std::strerror(report.value)));
  if (report.kind == Report::pin_failed)
    throw EnvironmentError(
        fmt::format("{} cannot be confined to its processors: {}", who_, std::strerror(report.value)));
  group_ = report.value;
}

const std::string& SupervisedCommand::why_ended(int timeout_ms) const {
  pollfd ready{socket_.get(), POLLIN, 0};
  if (!started() || !why_ended_.empty() || poll(&ready, 1, timeout_ms) <= 0) return why_ended_;
  Report report{};
  if (recv(socket_.get(), &report, sizeof report, MSG_DONTWAIT) == sizeof report)
    why_ended_ = describe_status(report.value);
  else
    why_ended_ = "has lost its supervisor";
  return why_ended_;
}

// The supervisor keeps the process id of the command taken until the socket closes.
void SupervisedCommand::signal(int signal) const {
  if (started() && !supervisor_.ended()) kill(-group_, signal);
}

void SupervisedCommand::stop() {
  if (supervisor_.pid() < 0) return;
  // Of a supervisor that is gone already nothing keeps the number of the group: it may be another's by now.
  const pid_t group = supervisor_.ended() ? -1 : group_;
  group_ = -1;
  // Reaches the supervisor even if a fork of ours still holds the socket.
  shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  // It kills the command's tree, unless it was itself killed or cannot.
  const bool reaped = supervisor_.reap(kStopTimeout_s) || supervisor_.kill_and_reap();
  why_ended_.clear();
  require_none_left(mark_, group, reaped, who_);
}

}  // namespace alertbench
