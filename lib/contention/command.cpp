#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "base/error.h"
#include "contention/drivers.h"
#include "contention/supervised_command.h"
#include "host/process_tree.h"

namespace alertbench {
namespace {

class Command : public CoRunner {
 public:
  Command(const CoRunnerSpec& spec, const std::string& path)
      : spec_(spec), path_(path), who_(fmt::format("co-runner: command \"{}\"", spec.command[0])) {}

  void start() override {
    if (command_.started()) throw RunError("co-runner: started twice");
    active_ = ActiveTime();
    cpu_s_ = 0;
    try {
      command_.start(path_, spec_.command, spec_.command_cpus);
      // Ends early if the command does.
      command_.why_ended(static_cast<int>(spec_.command_warm_up_s * 1000));
      pause();
    } catch (...) {
      stop();
      throw;
    }
  }

  void resume() override {
    require_alive();
    active_.resume();
    command_.signal(SIGCONT);
  }

  void pause() override {
    command_.signal(SIGSTOP);
    active_.pause();
    require_alive();
  }

  void stop() override {
    active_.pause();
    cpu_used_s();
    command_.stop();
  }

  bool set_duty(size_t, double) override { return false; }

  std::vector<Throughput> worker_throughputs() const override {
    Throughput t;
    t.alive = alive();
    t.why_dead = why_dead();
    t.busy_s = t.units = cpu_used_s();
    t.unit = "cpu_s";
    t.active_s = active_.seconds();
    return {t};
  }

  bool alive() const override { return command_.started() && why_dead().empty(); }

  std::string priority_refused() const override { return ""; }

  std::vector<pid_t> pids() const override {
    std::vector<pid_t> all;
    if (command_.supervisor() < 0) return all;
    all.push_back(command_.supervisor());
    for (const Process& p : descendants(command_.supervisor())) all.push_back(p.pid);
    return all;
  }

 private:
  std::string why_dead() const {
    const std::string& why = command_.why_ended(0);
    return why.empty() ? "" : who_ + " " + why;
  }

  void require_alive() const {
    if (!command_.started()) throw RunError("co-runner: not started");
    if (std::string why = why_dead(); !why.empty()) throw RunError(why);
  }

  // What is below the supervisor no more, because it was killed, counts as when last seen.
  double cpu_used_s() const {
    const auto supervisor = command_.supervisor() > 0 ? read_process(command_.supervisor()) : std::nullopt;
    if (!supervisor) return cpu_s_;
    double sum_s = supervisor->waited_cpu_s;
    for (const Process& p : descendants(command_.supervisor())) sum_s += p.own_cpu_s + p.waited_cpu_s;
    return cpu_s_ = std::max(cpu_s_, sum_s);
  }

  CoRunnerSpec spec_;
  std::string path_, who_;
  SupervisedCommand command_{who_};
  ActiveTime active_;
  mutable double cpu_s_ = 0;
};

}  // namespace

std::unique_ptr<CoRunner> make_command(const CoRunnerSpec& spec, const std::string& generator_path) {
  return std::make_unique<Command>(spec, generator_path);
}

}  // namespace alertbench
