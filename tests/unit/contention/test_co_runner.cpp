#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "catch.h"
#include "contention/co_runner.h"
#include "contention/kinds.h"
#include "contention/stress_ng.h"
#include "host/process_tree.h"
#include "support.h"

using namespace alertbench;

namespace {

constexpr uint64_t kSmallBuffer = 8 << 20;

void sleep_s(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

bool eventually(double timeout_s, const std::function<bool()>& condition) {
  for (double waited_s = 0; waited_s < timeout_s; waited_s += 0.01) {
    if (condition()) return true;
    sleep_s(0.01);
  }
  return condition();
}

bool running(pid_t pid) {
  const auto process = read_process(pid);
  return process && process->state != 'Z' && process->state != 'X';
}

bool all_gone(const std::vector<pid_t>& pids) { return std::none_of(pids.begin(), pids.end(), running); }

CoRunnerSpec generators(std::vector<WorkerSpec> workers) {
  CoRunnerSpec spec;
  spec.workers = std::move(workers);
  spec.buffer_bytes = kSmallBuffer;
  return spec;
}

CoRunnerSpec command(std::vector<std::string> argv) {
  CoRunnerSpec spec;
  spec.command = std::move(argv);
  spec.command_warm_up_s = 0.1;
  return spec;
}

const CoRunnerSpec kShellTree = command({"sh", "-c", "sleep 1000 & sleep 1000"});

CoRunnerSpec stress_ng_or_shell() {
  if (!find_stress_ng().empty())
    return command(stress_ng_command(co_runner_kind("stress-ng-memory").stress_ng, 2, {}, {}));
  WARN("skipped: stress-ng is not installed (" << kStressNgMend << ")");
  return kShellTree;
}

std::unique_ptr<CoRunner> make(const CoRunnerSpec& spec) { return make_co_runner(spec, find_generator()); }

}  // namespace

TEST_CASE("a generator works while resumed, and only then", "[contention][process]") {
  const std::string kind = GENERATE("compute", "matrix", "memory");
  auto co_runner = make(generators({{kind, -1, 1}}));
  CHECK_FALSE(co_runner->alive());
  co_runner->start();
  CHECK(co_runner->alive());
  CHECK(co_runner->throughput().unit == co_runner_kind(kind).unit);
  sleep_s(0.05);
  CHECK(co_runner->throughput().units == 0);

  co_runner->resume();
  CHECK(eventually(5, [&] { return co_runner->throughput().units > 100'000; }));
  co_runner->pause();
  sleep_s(0.1);
  const Throughput paused = co_runner->throughput();
  sleep_s(0.1);
  CHECK(co_runner->throughput().units == paused.units);
  CHECK(co_runner->throughput().active_s == paused.active_s);
  CHECK(paused.busy_s > 0);
  CHECK(paused.alive);

  co_runner->resume();
  CHECK(eventually(5, [&] { return co_runner->throughput().units > paused.units; }));
  const std::vector<pid_t> pids = co_runner->pids();
  REQUIRE(pids.size() == 1);
  CHECK(getsid(pids[0]) == getsid(0));
  co_runner->stop();
  co_runner->stop();
  CHECK(all_gone(pids));
  CHECK(co_runner->throughput().units > 0);
  CHECK_FALSE(co_runner->alive());
  CHECK(co_runner->throughput().why_dead.empty());

  co_runner->start();
  CHECK(co_runner->alive());
  CHECK(co_runner->throughput().units == 0);
}

TEST_CASE("workers are pinned, and dosed apart", "[contention][process]") {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;

  auto co_runner = make(generators({{"compute", cpu, 0.3}, {"memory", -1, 0.1}}));
  co_runner->start();
  cpu_set_t pinned;
  sched_getaffinity(co_runner->pids()[0], sizeof pinned, &pinned);
  CHECK(CPU_COUNT(&pinned) == 1);
  CHECK(CPU_ISSET(cpu, &pinned));
  CHECK(co_runner->throughput().unit == "busy_s");

  // Others may keep it below its duty, nothing may put it far above.
  auto share = [&](size_t worker) {
    const Throughput before = co_runner->worker_throughputs()[worker];
    sleep_s(0.4);
    const Throughput after = co_runner->worker_throughputs()[worker];
    return (after.busy_s - before.busy_s) / (after.active_s - before.active_s);
  };
  co_runner->resume();
  const double first = share(0);
  CHECK(first > 0);
  CHECK(first < 0.36);
  CHECK(co_runner->set_duty(0, 0.05));
  sleep_s(0.02);
  const double second = share(0);
  CHECK(second > 0);
  CHECK(second < 0.08);
  CHECK(share(1) < 0.14);
  CHECK_THROWS_AS(co_runner->set_duty(2, 0.5), InputError);
  CHECK_THROWS_AS(co_runner->set_duty(0, 0), InputError);
}

TEST_CASE("a generator killed from outside is noticed", "[contention][process]") {
  auto co_runner = make(generators({{"compute", -1, 0.1}, {"compute", -1, 0.1}}));
  co_runner->start();
  co_runner->resume();
  const std::vector<pid_t> pids = co_runner->pids();
  kill(pids[1], SIGKILL);
  CHECK(eventually(2, [&] { return !co_runner->alive(); }));
  CHECK(co_runner->worker_throughputs()[0].alive);
  const Throughput dead = co_runner->throughput();
  CHECK_FALSE(dead.alive);
  CHECK(contains(dead.why_dead, "worker 1"));
  CHECK(contains(dead.why_dead, "killed by signal 9"));
  CHECK(contains(message_of<RunError>([&] { co_runner->pause(); }), "signal 9"));
  CHECK_THROWS_AS(co_runner->resume(), RunError);
  co_runner->stop();
  CHECK(all_gone(pids));
}

TEST_CASE("a command runs while resumed, and is ended with its tree", "[contention][process]") {
  // The sleep leaves the process group. The loop is bounded, whatever goes wrong.
  auto co_runner = make(command(
      {"sh", "-c", "setsid sleep 1000 & (i=0; while [ $i -lt 9000000 ]; do i=$((i+1)); done) & wait"}));
  co_runner->start();
  const std::vector<pid_t> pids = co_runner->pids();
  CHECK(pids.size() >= 4);
  CHECK(getsid(pids[1]) == getsid(0));
  sleep_s(0.05);
  const double paused_s = co_runner->throughput().busy_s;
  sleep_s(0.1);
  CHECK(co_runner->throughput().busy_s == paused_s);
  co_runner->resume();
  CHECK(eventually(5, [&] { return co_runner->throughput().busy_s > paused_s + 0.02; }));
  CHECK(co_runner->throughput().unit == "cpu_s");
  CHECK_FALSE(co_runner->set_duty(0, 0.5));
  co_runner->pause();
  CHECK(co_runner->alive());
  co_runner->stop();
  CHECK(all_gone(pids));
  CHECK(co_runner->throughput().busy_s > paused_s);
  co_runner->stop();
}

TEST_CASE("a command that ends is noticed, and what it left is ended", "[contention][process]") {
  auto co_runner = make(command({"sh", "-c", "sleep 1000 & sleep 0.4; exit 3"}));
  co_runner->start();
  co_runner->resume();
  const std::vector<pid_t> pids = co_runner->pids();
  CHECK(eventually(5, [&] { return !co_runner->alive(); }));
  CHECK(contains(co_runner->throughput().why_dead, "exited with status 3"));
  CHECK(eventually(2, [&] { return std::count_if(pids.begin(), pids.end(), running) == 1; }));
  CHECK_THROWS_AS(co_runner->resume(), RunError);
  co_runner->stop();
  CHECK(all_gone(pids));
}

TEST_CASE("a process that looks ended since its first thread has is ended too", "[contention][process]") {
  if (access("/usr/bin/python3", X_OK) != 0) {
    WARN("skipped: no /usr/bin/python3");
    return;
  }
  // In a session of its own, so that the signal to the group does not reach it.
  auto co_runner = make(command({"/usr/bin/python3", "-c",
                                 "import ctypes, os, threading, time\n"
                                 "if os.fork(): time.sleep(60)\n"
                                 "os.setsid()\n"
                                 "threading.Thread(target=time.sleep, args=(60,)).start()\n"
                                 "ctypes.CDLL(None).pthread_exit(None)\n"}));
  co_runner->start();
  co_runner->resume();
  std::optional<pid_t> headless;
  REQUIRE(eventually(10, [&] {
    for (const pid_t pid : co_runner->pids())
      if (const auto p = read_process(pid); p && p->state == 'Z') headless = pid;
    return headless.has_value();
  }));
  co_runner->stop();
  CHECK_FALSE(read_process(*headless));
}

TEST_CASE("a worker asked for real-time priority has it, or says why not", "[contention][process]") {
  auto co_runner = make(generators({{"compute", -1, 0.2, true}, {"compute", -1, 0.2}}));
  co_runner->start();
  const std::vector<pid_t> pids = co_runner->pids();
  CHECK(sched_getscheduler(pids[1]) == SCHED_OTHER);
  if (const std::string refused = co_runner->priority_refused(); refused.empty())
    CHECK(sched_getscheduler(pids[0]) == SCHED_FIFO);
  else {
    CHECK(sched_getscheduler(pids[0]) == SCHED_OTHER);
    WARN("skipped in part: real-time priority is refused (" << refused << ")");
  }
  CHECK_THROWS_AS(co_runner->set_duty(0, 0.95), InputError);
  co_runner->set_duty(1, 0.95);
  co_runner->resume();
  CHECK(eventually(5, [&] { return co_runner->worker_throughputs()[0].busy_s > 0.01; }));
  co_runner->stop();
  CHECK(all_gone(pids));
}

TEST_CASE("a killed supervisor is noticed, and the command ended", "[contention][process]") {
  auto co_runner = make(kShellTree);
  co_runner->start();
  const std::vector<pid_t> pids = co_runner->pids();
  kill(pids[0], SIGKILL);
  CHECK(eventually(2, [&] { return !co_runner->alive(); }));
  co_runner->stop();
  CHECK(eventually(2, [&] { return all_gone(pids); }));
}

TEST_CASE("what left the group of a command whose supervisor was killed is ended too",
          "[contention][process]") {
  // Nobody's descendant any more, in a session of its own.
  auto co_runner = make(command({"sh", "-c", "setsid sleep 1000 & sleep 1000"}));
  co_runner->start();
  const std::vector<pid_t> pids = co_runner->pids();
  REQUIRE(pids.size() >= 4);
  kill(pids[0], SIGKILL);
  CHECK(eventually(2, [&] { return std::count_if(pids.begin(), pids.end(), running) <= 2; }));
  CHECK(std::any_of(pids.begin(), pids.end(), running));
  co_runner->stop();
  CHECK(all_gone(pids));
}

TEST_CASE("a group whose supervisor was killed is not signalled by its number", "[contention][process]") {
  auto co_runner = make(kShellTree);
  co_runner->start();
  const std::vector<pid_t> pids = co_runner->pids();
  REQUIRE(pids.size() >= 2);
  const pid_t group = getpgid(pids[1]);
  // Another's, in a group that bears the number.
  const pid_t stranger = fork();
  if (stranger == 0) {
    if (setpgid(0, group) == 0) execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  REQUIRE(eventually(2, [&] { return getpgid(stranger) == group; }));
  kill(pids[0], SIGKILL);
  CHECK(eventually(2, [&] { return !co_runner->alive(); }));
  co_runner->stop();
  CHECK(all_gone(pids));
  CHECK(running(stranger));
  kill(stranger, SIGKILL);
  waitpid(stranger, nullptr, 0);
}

TEST_CASE("a worker that hangs before it is ready is given up, or at an interrupt", "[contention][process]") {
  const Folder folder;
  const std::string hangs = folder / "hangs";
  put(hangs, "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(hangs, std::filesystem::perms::owner_all);
  const auto [kind, mend] =
      GENERATE(table<std::string, std::string>({{"gpu-compute", "nvidia-smi"}, {"memory", "top"}}));
  CoRunnerSpec spec = generators({{kind, -1, 1}});
  spec.ready_timeout_s = 0.1;
  auto co_runner = make_co_runner(spec, hangs);
  check_says(message_of<EnvironmentError>([&] { co_runner->start(); }),
             {kind + " worker 0 (pid ", "not ready after 0.1 s", mend});
  CHECK(co_runner->pids().empty());

  spec.ready_timeout_s = 60;
  const pid_t harness = fork();
  if (harness == 0) {
    install_interrupt_handlers();
    raise(SIGINT);
    const std::string message = message_of<RunError>([&] { make_co_runner(spec, hangs)->start(); });
    _exit(contains(message, "interrupted") ? 0 : 1);
  }
  int status = -1;
  waitpid(harness, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("what bears a mark is found and ended, or named", "[contention][process]") {
  const std::string mark = new_mark();
  CHECK(new_mark() != mark);
  require_none_left(mark, -1, true, "nobody");
  check_says(message_of<RunError>([&] { require_none_left(mark, -1, false, "its workers"); }),
             {"its workers", "not yet waited for"});
  const pid_t marked = fork();
  if (marked == 0) {
    setsid();
    const char* const environment[] = {"A=1", mark.c_str(), nullptr};
    execle("/bin/sleep", "sleep", "1000", nullptr, environment);
    _exit(1);
  }
  REQUIRE(eventually(2, [&] {
    return content_of("/proc/" + std::to_string(marked) + "/environ").find(mark) != std::string::npos;
  }));
  require_none_left(new_mark(), -1, true, "others");
  CHECK(running(marked));
  require_none_left(mark, -1, true, "its workers");
  CHECK_FALSE(running(marked));
  waitpid(marked, nullptr, 0);
}

TEST_CASE("a GPU load without a GPU ends before it is ready, and says what is missing",
          "[contention][process]") {
  const std::string kind = GENERATE("gpu-compute", "gpu-memory");
  if (access("/dev/nvidiactl", F_OK) == 0) {
    WARN("skipped: this machine has a GPU");
    return;
  }
  auto co_runner = make(generators({{kind, -1, 1}}));
  // Without LibTorch's part, as under the sanitizers, that is what is missing.
  check_says(message_of<EnvironmentError>([&] { co_runner->start(); }),
             {kind + " worker 0", "LibTorch", "uild"});
  CHECK(co_runner->pids().empty());
}

TEST_CASE("nothing outlives a harness killed with -9", "[contention][process]") {
  const auto [spec, resumed] = GENERATE(table<CoRunnerSpec, bool>({
      {generators({{"compute", -1, 0.1}, {"memory", -1, 0.1}}), false},
      {generators({{"compute", -1, 0.1}, {"matrix", -1, 0.1}}), true},
      {kShellTree, false},
      {kShellTree, true},
      {command({"sh", "-c", "setsid sleep 1000 & sleep 1000"}), false},
      {stress_ng_or_shell(), true},
  }));
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t harness = fork();
  if (harness == 0) {
    try {
      auto co_runner = make(spec);
      co_runner->start();
      if (resumed) co_runner->resume();
      if (write(ready[1], "r", 1) == 1)
        for (;;) ::pause();
    } catch (...) {
    }
    _exit(1);
  }
  close(ready[1]);
  char byte;
  const ssize_t got = read(ready[0], &byte, 1);
  close(ready[0]);
  const size_t expected = spec.command.empty() ? spec.workers.size() : 4;
  eventually(got == 1 ? 2 : 0, [&] { return descendants(harness).size() >= expected; });
  std::vector<pid_t> pids;
  for (const Process& p : descendants(harness)) pids.push_back(p.pid);
  kill(harness, SIGKILL);
  waitpid(harness, nullptr, 0);
  REQUIRE(got == 1);
  CHECK(pids.size() >= expected);
  CHECK(eventually(2, [&] { return all_gone(pids); }));
}

TEST_CASE("a co-runner that goes out of scope leaves nothing", "[contention][process]") {
  std::vector<pid_t> pids;
  for (const CoRunnerSpec& spec : {generators({{"compute", -1, 0.1}}), kShellTree}) {
    auto co_runner = make(spec);
    co_runner->start();
    for (pid_t pid : co_runner->pids()) pids.push_back(pid);
  }
  CHECK(pids.size() == 5);
  CHECK(all_gone(pids));
}

TEST_CASE("a co-runner that cannot be started says why", "[contention][process]") {
  auto absent = make(command({"/nonexistent/burner"}));
  CHECK(contains(message_of<InputError>([&] { absent->start(); }), "/nonexistent/burner"));
  CHECK(absent->pids().empty());

  auto failing = make(command({"sh", "-c", "exit 5"}));
  CHECK(contains(message_of<RunError>([&] { failing->start(); }), "exited with status 5"));

  auto nowhere = make(generators({{"compute", 1000, 1}}));
  CHECK(contains(message_of<EnvironmentError>([&] { nowhere->start(); }), "processor 1000"));
  CoRunnerSpec confined = kShellTree;
  confined.command_cpus = {1000};
  CHECK_THROWS_AS(make(confined)->start(), EnvironmentError);

  CoRunnerSpec vast = generators({{"memory", -1, 1}});
  vast.buffer_bytes = uint64_t{1} << 60;
  CHECK(contains(message_of<RunError>([&] { make(vast)->start(); }), "no memory"));

  for (const CoRunnerSpec& spec : {generators({{"compute", -1, 1}}), kShellTree}) {
    auto no_generator = make_co_runner(spec, "/nonexistent/alert-co-runner");
    const std::string message = message_of<EnvironmentError>([&] { no_generator->start(); });
    CHECK(contains(message, "/nonexistent/alert-co-runner"));
    CHECK(contains(message, "ALERT_CO_RUNNER"));
    CHECK_THROWS_AS(no_generator->resume(), RunError);
  }
}

TEST_CASE("the generator is found by name, or missed aloud", "[contention]") {
  const char* set = std::getenv("ALERT_CO_RUNNER");
  const std::string before = set ? set : "";
  setenv("ALERT_CO_RUNNER", "/nonexistent/generator", 1);
  CHECK(contains(message_of<EnvironmentError>([] { find_generator(); }), "/nonexistent/generator"));
  setenv("ALERT_CO_RUNNER", "/bin/sh", 1);
  CHECK(find_generator() == "/bin/sh");
  set ? setenv("ALERT_CO_RUNNER", before.c_str(), 1) : unsetenv("ALERT_CO_RUNNER");
}

TEST_CASE("co-runner specs that make no sense are refused", "[contention]") {
  auto refused = [](const CoRunnerSpec& spec) {
    CHECK_THROWS_AS(make_co_runner(spec, "generator"), InputError);
  };
  refused({});
  refused(generators({{"disk", -1, 1}}));
  refused(generators({{"compute", -2, 1}}));
  for (double duty : {0.0, -1.0, 1.5, std::nan("")}) refused(generators({{"compute", -1, duty}}));
  refused(generators({{"compute", -1, 0.95, true}}));
  refused(generators({{"gpu-compute", -1, 0.5, true}}));
  CoRunnerSpec both = kShellTree;
  both.workers = {{}};
  refused(both);
  refused(command({""}));
  CoRunnerSpec slow = generators({{}});
  slow.period_s = 10;
  refused(slow);
  CoRunnerSpec endless = generators({{}});
  endless.ready_timeout_s = std::nan("");
  refused(endless);
}

TEST_CASE("the default buffer is beyond the cache and within the memory", "[contention]") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string& root = folder.path;
  const auto put_in = [&](const std::string& path, const std::string& text) { put(root + path, text); };
  const uint64_t mib = 1 << 20;
  CHECK(default_buffer_bytes(1, root) == 192 * mib);
  put_in("/sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n");
  put_in("/sys/devices/system/cpu/cpu0/cache/index1/size", "16M\n");
  CHECK(default_buffer_bytes(1, root) == 64 * mib);
  put_in("/proc/meminfo", "MemTotal: 999999 kB\nMemAvailable:   409600 kB\n");
  CHECK(default_buffer_bytes(1, root) == 64 * mib);
  CHECK(default_buffer_bytes(2, root) == 50 * mib);
}
