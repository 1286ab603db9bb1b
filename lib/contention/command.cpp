#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "contention/child.h"
#include "contention/drivers.h"
#include "contention/protocol.h"
#include "host/process_tree.h"

namespace alertbench {
namespace {

constexpr double kStopTimeout_s = 5;

class Command : public CoRunner {
 public:
  Command(const CoRunnerSpec& spec, const std::string& path) : spec_(spec), path_(path) {}
  ~Command() override {
    try {
      Command::stop();
    } catch (...) {
    }
  }

  void start() override {
    if (group_ > 0) throw RunError("co-runner: started twice");
    active_ = ActiveTime();
    cpu_s_ = 0;
    why_dead_.clear();
    mark_ = new_mark();
    try {
      launch();
      // Ends early if the command does.
      poll_supervisor(static_cast<int>(spec_.command_warm_up_s * 1000));
      pause();
    } catch (...) {
      stop();
      throw;
    }
  }

  void resume() override {
    require_alive();
    active_.resume();
    signal_group(SIGCONT);
  }

  void pause() override {
    if (group_ > 0) signal_group(SIGSTOP);
    active_.pause();
    require_alive();
  }

  void stop() override {
    active_.pause();
    if (supervisor_.pid() < 0) return;
    cpu_used_s();
    // Of a supervisor that is gone already nothing keeps the number of the group: it may be another's by now.
    const pid_t group = supervisor_.ended() ? -1 : group_;
    group_ = -1;
    // Reaches the supervisor even if a fork of ours still holds the socket.
    shutdown(socket_.get(), SHUT_RDWR);
    socket_.reset();
    // It kills the command's tree, unless it was itself killed or cannot.
    const bool reaped = supervisor_.reap(kStopTimeout_s) || supervisor_.kill_and_reap();
    why_dead_.clear();
    require_none_left(mark_, group, reaped, fmt::format("\"{}\"", spec_.command[0]));
  }

  bool set_duty(size_t, double) override { return false; }

  std::vector<Throughput> worker_throughputs() const override {
    Throughput t;
    t.alive = alive();
    t.why_dead = why_dead_;
    t.busy_s = t.units = cpu_used_s();
    t.unit = "cpu_s";
    t.active_s = active_.seconds();
    return {t};
  }

  bool alive() const override {
    if (group_ > 0 && why_dead_.empty()) poll_supervisor(0);
    return group_ > 0 && why_dead_.empty();
  }

  std::vector<pid_t> pids() const override {
    std::vector<pid_t> all;
    if (supervisor_.pid() < 0) return all;
    all.push_back(supervisor_.pid());
    for (const Process& p : descendants(supervisor_.pid())) all.push_back(p.pid);
    return all;
  }

 private:
  void launch() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
      throw EnvironmentError(fmt::format("co-runner: cannot create a socket: {}", std::strerror(errno)));
    socket_ = Descriptor(ends[0]);
    Descriptor theirs(ends[1]);
    std::vector<std::string> arguments{"--supervise"};
    for (int cpu : spec_.command_cpus) arguments.insert(arguments.end(), {"--cpu", std::to_string(cpu)});
    arguments.push_back("--");
    arguments.insert(arguments.end(), spec_.command.begin(), spec_.command.end());
    supervisor_ = Child(path_, arguments, theirs.get(), mark_);
    theirs.reset();

    Report report{};
    if (recv(socket_.get(), &report, sizeof report, 0) != sizeof report)
      throw RunError(fmt::format("co-runner: the supervisor of {} ended", spec_.command[0]));
    if (report.kind == Report::exec_failed)
      throw InputError(fmt::format("co-runner: command \"{}\" cannot be executed: {}", spec_.command[0],
                                   std::strerror(report.value)));
    if (report.kind == Report::pin_failed)
      throw EnvironmentError(fmt::format("co-runner: command \"{}\" cannot be confined to its processors: {}",
                                         spec_.command[0], std::strerror(report.value)));
    group_ = report.value;
  }

  // Until it reports something, timeout_ms at most.
  void poll_supervisor(int timeout_ms) const {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) <= 0) return;
    Report report{};
    if (recv(socket_.get(), &report, sizeof report, MSG_DONTWAIT) == sizeof report)
      why_dead_ =
          fmt::format("co-runner: command \"{}\" {}", spec_.command[0], describe_status(report.value));
    else
      why_dead_ = fmt::format("co-runner: the supervisor of \"{}\" is gone", spec_.command[0]);
  }

  // The supervisor keeps the process id of the command taken until the socket closes.
  void signal_group(int signal) const {
    if (!supervisor_.ended()) kill(-group_, signal);
  }

  void require_alive() const {
    if (group_ < 0) throw RunError("co-runner: not started");
    if (!alive()) throw RunError(why_dead_);
  }

  // What is below the supervisor no more, because it was killed, counts as when last seen.
  double cpu_used_s() const {
    const auto supervisor = supervisor_.pid() > 0 ? read_process(supervisor_.pid()) : std::nullopt;
    if (!supervisor) return cpu_s_;
    double sum_s = supervisor->waited_cpu_s;
    for (const Process& p : descendants(supervisor_.pid())) sum_s += p.own_cpu_s + p.waited_cpu_s;
    return cpu_s_ = std::max(cpu_s_, sum_s);
  }

  CoRunnerSpec spec_;
  std::string path_;
  Descriptor socket_;
  Child supervisor_;
  pid_t group_ = -1;
  std::string mark_;
  ActiveTime active_;
  mutable double cpu_s_ = 0;
  mutable std::string why_dead_;
};

}  // namespace

std::unique_ptr<CoRunner> make_command(const CoRunnerSpec& spec, const std::string& generator_path) {
  return std::make_unique<Command>(spec, generator_path);
}

}  // namespace alertbench
