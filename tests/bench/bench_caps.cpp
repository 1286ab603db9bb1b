// What is the best way to emulate a power cap? Candidates on real networks, without and under each cap in
// turn:
//   stretch    idle within the execution until computed / speed has passed (live/executor.h; what the
//   `emulated` backend does) bandwidth  the kernel's bandwidth control: a cgroup with a quota of speed *
//   threads, period 10 ms (needs root, cgroup v1) burner     threads of real-time priority that keep the
//   processors busy for 1 - speed of each millisecond (CAP_SYS_NICE)
// For each network and cap: achieved over requested speed, and its coefficient of variation over rounds,
//   first      of the first execution behind the switch, against an uncapped one; execution follows execution
//   third      of the third, against an uncapped one at the same pace: one that begins as long after the one
//   before as the capped ones do.
//              What caches lose with time, they lose under any cap.
// JSON on stdout; what this machine does not allow is told in "left_out".
//   bench-caps [THREADS [ROUNDS]]   from the repository, on an otherwise idle machine: scripts/bench.sh
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/statistics.h"
#include "host/host.h"
#include "host/machine_use.h"
#include "live/executor.h"
#include "live/live_session.h"
#include "live/profiler.h"

using namespace alertbench;
using nlohmann::ordered_json;

namespace {

class Mechanism {
 public:
  virtual ~Mechanism() = default;
  virtual void set(double speed) = 0;
  virtual double executor_speed() const { return 1; }
};

class Stretch : public Mechanism {
 public:
  void set(double speed) override { speed_ = speed; }
  double executor_speed() const override { return speed_; }

 private:
  double speed_ = 1;
};

class Bandwidth : public Mechanism {
 public:
  explicit Bandwidth(int threads)
      : threads_(threads), folder_(fmt::format("{}/alert-bench-caps.{}", parent, getpid())) {
    if (mkdir(folder_.c_str(), 0755) != 0) throw EnvironmentError(fmt::format("{} cannot be made", folder_));
    write("cpu.cfs_period_us", period_us);
    set(1);
    write("cgroup.procs", getpid());
  }
  ~Bandwidth() override {
    std::ofstream(fmt::format("{}/cgroup.procs", parent)) << getpid();
    rmdir(folder_.c_str());
  }
  void set(double speed) override {
    write("cpu.cfs_quota_us", speed < 1 ? std::lround(speed * period_us * threads_) : -1);
  }

 private:
  static constexpr const char* parent = "/sys/fs/cgroup/cpu";
  static constexpr long period_us = 10'000;
  void write(const std::string& file, long value) {
    std::ofstream out(folder_ + "/" + file);
    out << value << std::flush;
    if (!out) throw EnvironmentError(fmt::format("{}/{} cannot be written", folder_, file));
  }
  int threads_;
  std::string folder_;
};

class Burner : public Mechanism {
 public:
  Burner(const std::vector<int>& cpus, Clock& clock) {
    for (const int cpu : cpus)
      threads_.emplace_back([this, &clock] { burn(clock); }), prepare(threads_.back(), cpu);
  }
  ~Burner() override {
    done_ = true;
    for (std::thread& t : threads_) t.join();
  }
  void set(double speed) override { share_ = 1 - speed; }

 private:
  static constexpr double period_s = 1e-3;
  void prepare(std::thread& thread, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    sched_param priority{};
    priority.sched_priority = 10;
    if (pthread_setaffinity_np(thread.native_handle(), sizeof set, &set) == 0 &&
        pthread_setschedparam(thread.native_handle(), SCHED_FIFO, &priority) == 0)
      return;
    done_ = true;
    for (std::thread& t : threads_) t.join();
    throw EnvironmentError("no real-time priority (CAP_SYS_NICE)");
  }
  // In phase on all processors: periods begin at whole multiples on the clock.
  void burn(Clock& clock) {
    while (!done_) {
      const double now_s = clock.now_s(), end_s = (std::floor(now_s / period_s) + 1) * period_s;
      const double burn_until_s = now_s + share_ * period_s;
      while (clock.now_s() < burn_until_s) {
      }
      timespec until;
      until.tv_sec = static_cast<time_t>(end_s);
      until.tv_nsec = static_cast<long>((end_s - std::floor(end_s)) * 1e9);
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    }
  }
  std::atomic<bool> done_{false};
  std::atomic<double> share_{0};
  std::vector<std::thread> threads_;
};

struct Ratios {
  std::vector<double> speeds;
  ordered_json json(double requested) const {
    double mean = 0, square = 0;
    const double n = static_cast<double>(speeds.size());
    for (const double s : speeds) mean += s / n;
    for (const double s : speeds) square += (s - mean) * (s - mean);
    const double achieved = *quantile(speeds, 0.5);
    return {{"achieved_speed", achieved},
            {"error", achieved / requested - 1},
            {"cv", std::sqrt(square / (n - 1)) / mean}};
  }
};

ordered_json measure(LiveSession& session, Mechanism& mechanism, const std::vector<double>& speeds,
                     int rounds) {
  ordered_json all = ordered_json::array();
  for (int m = 0; m < session.bench->models(); ++m) {
    StagedModel& network = session.bench->model(m);
    const auto run = [&] {
      ExecutionOrder order;
      order.target_stage = network.stages();
      order.speed = mechanism.executor_speed();
      return execute(network, order, session.clock).busy_s;
    };
    mechanism.set(1);
    warm_up(*session.bench, m, session.clock);
    std::vector<Ratios> first(speeds.size()), third(speeds.size());
    std::vector<double> full;
    for (int i = 0; i < rounds; ++i)
      for (size_t k = 0; k < speeds.size(); ++k) {
        mechanism.set(1);
        run();
        const double before_s = run();
        mechanism.set(speeds[k]);
        const double first_s = run();
        run();
        const double third_s = run();
        mechanism.set(1);
        for (int n = 0; n < 2; ++n) {
          const double begun_s = session.clock.now_s();
          run();
          session.clock.sleep_until(begun_s + third_s);
        }
        const double paced_s = run();
        full.push_back(before_s);
        first[k].speeds.push_back(before_s / first_s);
        third[k].speeds.push_back(paced_s / third_s);
      }
    ordered_json caps = ordered_json::array();
    for (size_t k = 0; k < speeds.size(); ++k)
      caps.push_back({{"requested_speed", speeds[k]},
                      {"first", first[k].json(speeds[k])},
                      {"third", third[k].json(speeds[k])}});
    all.push_back({{"network", session.bench->network(m).name},
                   {"uncapped_median_s", *quantile(full, 0.5)},
                   {"caps", caps}});
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int threads = argc > 1 ? std::stoi(argv[1]) : 1, rounds = argc > 2 ? std::stoi(argv[2]) : 15;
    const std::string placement = fmt::format("placement.threads={}", threads);
    const std::vector<Scenario> scenarios{
        Scenario::read(
            "scenarios/quickstart.json",
            {"co_runner.kind=none", placement, R"(candidates=["resnet-w16","resnet-w64","nested-w64"])"}),
        Scenario::read("scenarios/default.json",
                       {"co_runner.kind=none", placement, "networks=../networks/imagenet-zoo.json",
                        R"(candidates=["squeezenet-1.1","mobilenet-v2-1.0-224","resnet-18"])"})};
    std::vector<double> speeds;
    for (const double cap_w : scenarios[0].caps_w)
      if (const double s = scenarios[0].power_model.speed(cap_w); s < 1) speeds.push_back(s);
    ordered_json out = {{"schema_version", "1.0"},
                        {"host", to_json(read_host())},
                        {"threads", threads},
                        {"rounds", rounds},
                        {"mechanisms", ordered_json::object()},
                        {"left_out", ordered_json::object()}};
    const MachineUse before = read_machine_use();
    for (const Scenario& scenario : scenarios) {
      LiveSession session(scenario, open_workload(scenario), false, false);
      session.bench->feed(0);
      const std::vector<std::pair<const char*, std::function<std::unique_ptr<Mechanism>()>>> candidates{
          {"stretch", [] { return std::make_unique<Stretch>(); }},
          {"bandwidth", [&] { return std::make_unique<Bandwidth>(threads); }},
          {"burner", [&] { return std::make_unique<Burner>(session.cpus, session.clock); }}};
      for (const auto& [name, make] : candidates) {
        try {
          const std::unique_ptr<Mechanism> mechanism = make();
          for (const auto& network : measure(session, *mechanism, speeds, rounds))
            out["mechanisms"][name].push_back(network);
        } catch (const EnvironmentError& e) {
          out["left_out"][name] = e.what();
        }
      }
    }
    out["disturbance"] = to_json(between(before, read_machine_use()));
    fmt::print("{}\n", out.dump(1));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_caps: {}\n", e.what());
    return 1;
  }
}
