#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "contention/stress_ng.h"
#include "host/process_tree.h"
#include "live/co_runner_control.h"
#include "live/co_runner_phases.h"
#include "live/placement.h"
#include "support.h"

using namespace alertbench;

namespace {

void sleep_s(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

bool eventually(double timeout_s, const std::function<bool()>& condition) {
  for (double waited_s = 0; waited_s < timeout_s && !condition(); waited_s += 0.01) sleep_s(0.01);
  return condition();
}

std::vector<pid_t> alive_below_us() {
  std::vector<pid_t> pids;
  for (const Process& p : descendants(getpid()))
    if (p.state != 'Z' && p.state != 'X') pids.push_back(p.pid);
  return pids;
}

// On for inputs 2 to 5 of 10.
Scenario scenario_with(const std::string& kind, std::vector<std::string> command = {}) {
  Scenario s;
  s.inputs = 10;
  s.inference_cpu = s.other_cpu = -1;
  s.co_runner.kind = kind;
  s.co_runner.command = std::move(command);
  if (kind != "command") s.co_runner.duty = 0.2;
  s.co_runner.schedule.kind = "list";
  s.co_runner.schedule.on_ranges = {{2, 6}};
  return s;
}

std::string joined(const std::vector<std::string>& reasons) {
  std::string all;
  for (const std::string& r : reasons) all += r + "\n";
  return all;
}

CoRunnerPhase phase(double active_s, double busy_s, double units) {
  CoRunnerPhase p;
  p.first = 4;
  p.last = 8;
  p.workers = {{active_s, busy_s, units}};
  return p;
}

}  // namespace

TEST_CASE("Starved is less than half of what the duty asks, and of a fair share", "[co-runner-control]") {
  const auto verdict = [](std::vector<CoRunnerPhase> phases, std::optional<double> duty) {
    return joined(starvation(phases, {{"worker 0", duty}}));
  };
  CHECK(verdict({}, 0.3).empty());
  CHECK(verdict({phase(2, 0.6, 9)}, 0.3).empty());
  CHECK(verdict({phase(2, 0.31, 9)}, 0.3).empty());
  check_says(verdict({phase(1, 0.19, 9), phase(1, 0.1, 9)}, 0.3),
             {"starved", "worker 0 got 0.145", "2.00 s", "duty is 0.300", "pin"});
  // Too short to judge.
  CHECK(verdict({phase(0.4, 0.01, 9), phase(0.4, 0.01, 9)}, 0.3).empty());
  // Half a processor beside the inference is all that a duty of 1 can get; a third of one, beside two, still
  // counts.
  CHECK(verdict({phase(10, 3.3, 9)}, 1.0).empty());
  check_says(verdict({phase(10, 2.4, 9)}, 1.0), {"starved"});

  check_says(verdict({phase(0.5, 0.3, 9), phase(0.3, 0, 0), phase(0.1, 0, 0)}, 0.3),
             {"nothing in 1 of 2 phases", "inputs 4 to 8"});
  CHECK(verdict({phase(0.1, 0, 0)}, 0.3).empty());
  check_says(verdict({phase(0.6, 0, 0), phase(0.6, 0, 0)}, 0.3), {"did no work", "worker 0", "1.20 s"});
  // A command may rest for a while, not all the time.
  CHECK(verdict({phase(0.6, 0, 0), phase(0.6, 0.1, 0.1)}, {}).empty());
  check_says(verdict({phase(0.6, 0, 0), phase(0.6, 0, 0)}, {}), {"did no work"});

  const std::string on_gpu = joined(starvation({phase(2, 0.1, 9)}, {{"worker 0", 0.3, true}}));
  check_says(on_gpu, {"starved", "got 0.050 of the GPU"});
  CHECK_FALSE(contains(on_gpu, "pin"));

  CoRunnerPhase last = phase(5, 0.01, 1);
  last.died = true;
  CHECK(verdict({phase(2, 0.6, 9), last}, 0.3).empty());
}

TEST_CASE("A co-runner that works is no problem, phase by phase", "[co-runner-control][process]") {
  const Scenario s = scenario_with("compute");
  CoRunnerControl control(s, false);
  control.begin_part("recording");
  for (int round = 0; round < 2; ++round)
    for (int64_t n = 0; n < s.inputs; ++n) {
      control.prepare(n);
      CHECK(control.on(n) == (n >= 2 && n < 6));
      if (control.on(n)) sleep_s(0.15);
    }
  CHECK(joined(control.problems()) == "");
  control.stop();
  CHECK(joined(control.problems()) == "");
  CHECK(control.facts()["schedule"].dump() == R"({"kind":"list","ranges":1,"on_ranges":[[2,6]]})");
  const auto parts = control.facts()["by_phase"];
  REQUIRE(parts.size() == 1);
  CHECK(parts[0]["part"] == "recording");
  CHECK(parts[0]["phases"] == 2);
  for (const auto& p : parts[0]["each"]) {
    CHECK(p["first"] == 2);
    CHECK(p["last"] == 5);
    CHECK(p["inputs"] == 4);
    CHECK(p["active_s"].get<double>() > 0.59);
    CHECK(p["workers"][0]["unit"] == "particles");
    CHECK(p["workers"][0]["units"].get<double>() > 0);
    CHECK(p["workers"][0]["cpu_s"].get<double>() > 0);
    CHECK(p["workers"][0]["achieved_duty"].get<double>() < 0.25);
  }
  CHECK(control.facts()["workers"][0]["throughput"]["units"].get<double>() > 0);
  CHECK(alive_below_us().empty());
}

TEST_CASE("A worker killed in a phase makes the result invalid, and the run goes on",
          "[co-runner-control][process]") {
  const Scenario s = scenario_with("compute");
  CoRunnerControl control(s, false);
  for (int64_t n = 0; n < 4; ++n) control.prepare(n);
  const std::vector<pid_t> pids = alive_below_us();
  REQUIRE(pids.size() == 1);
  kill(pids[0], SIGKILL);
  REQUIRE(eventually(2, [] { return alive_below_us().empty(); }));
  for (int64_t n = 4; n < s.inputs; ++n) {
    control.prepare(n);
    CHECK_FALSE(control.on(n));
  }
  control.pause();
  const auto check = [&] {
    check_says(joined(control.problems()), {"died by input 4", "compute worker 0", "killed by signal 9"});
  };
  check();
  CHECK(control.problems().size() == 1);
  control.stop();
  check();
}

TEST_CASE("What is left of a co-runner that died does not go on beside inputs that count as off",
          "[co-runner-control][process]") {
  // Of a command whose supervisor was killed, also what left its process group.
  Scenario s = scenario_with("command", {"sh", "-c", "setsid sleep 1000 & sleep 1000"});
  if (GENERATE(false, true)) {
    s = scenario_with("compute");
    s.co_runner.workers = 2;
  }
  CoRunnerControl control(s, true);
  for (int64_t n = 0; n < 4; ++n) control.prepare(n);
  const std::vector<pid_t> pids = alive_below_us();
  REQUIRE(pids.size() >= 2);
  const auto running = [](pid_t pid) {
    const auto p = read_process(pid);
    return p && p->state != 'Z' && p->state != 'X';
  };
  const auto cpu_s = [&] { return control.facts()["workers"][0]["throughput"]["cpu_s"].get<double>(); };
  const double before_s = cpu_s();
  kill(pids[0], SIGKILL);
  REQUIRE(eventually(2, [&] { return !running(pids[0]); }));
  control.prepare(4);
  CHECK_FALSE(control.on(4));
  CHECK(std::none_of(pids.begin(), pids.end(), running));
  const std::string problems = joined(control.problems()), facts = control.facts().dump();
  check_says(problems, {"died by input 4"});
  CHECK(control.problems().size() == 1);
  CHECK(cpu_s() >= before_s);
  for (int64_t n = 5; n < s.inputs; ++n) control.prepare(n);
  control.stop();
  CHECK(joined(control.problems()) == problems);
  CHECK(control.facts().dump() == facts);
}

TEST_CASE("A worker that dies after the last input is noticed too", "[co-runner-control][process]") {
  const Scenario s = scenario_with("compute");
  CoRunnerControl control(s, false);
  for (int64_t n = 0; n < s.inputs; ++n) control.prepare(n);
  kill(alive_below_us().at(0), SIGKILL);
  REQUIRE(eventually(2, [] { return alive_below_us().empty(); }));
  check_says(joined(control.problems()), {"died", "killed by signal 9"});
  control.stop();
  check_says(joined(control.problems()), {"died by input 9", "killed by signal 9"});
}

TEST_CASE("A worker stopped from outside is starved", "[co-runner-control][process]") {
  const Scenario s = scenario_with("compute");
  CoRunnerControl control(s, false);
  for (int64_t n = 0; n < 3; ++n) control.prepare(n);
  sleep_s(0.1);
  const pid_t worker = alive_below_us().at(0);
  kill(worker, SIGSTOP);
  sleep_s(1.2);
  for (int64_t n = 3; n < s.inputs; ++n) control.prepare(n);
  kill(worker, SIGCONT);
  control.stop();
  check_says(joined(control.problems()),
             {"starved", "compute worker 0 on any processor", "its duty is 0.200"});
  CHECK(alive_below_us().empty());
}

TEST_CASE("A command that ends early makes the result invalid", "[co-runner-control][process]") {
  CHECK_THROWS_AS(CoRunnerControl(scenario_with("command", {"true"}), false), InputError);
  // Its start of 0.5 s is too short to end in; it is paused then.
  const Scenario late = scenario_with("command", {"sh", "-c", "sleep 0.7; exit 3"});
  CoRunnerControl control(late, true);
  for (int64_t n = 0; n < 3; ++n) control.prepare(n);
  sleep_s(1);
  for (int64_t n = 3; n < late.inputs; ++n) control.prepare(n);
  check_says(joined(control.problems()), {"died by input 3", "exited with status 3"});
  control.stop();
  CHECK(alive_below_us().empty());
}

TEST_CASE("Phases are told within bounds, by part of the run", "[co-runner-control]") {
  CoRunnerPhases phases;
  Throughput t;
  t.unit = "particles";
  const auto work = [&](double seconds) {
    t.active_s += seconds;
    t.busy_s += seconds / 4;
    t.units += 1000 * seconds;
  };
  phases.begin_part("recording");
  for (int n = 0; n < 2; ++n) {
    phases.begin(10 * n, {t});
    for (int i = 10 * n; i < 10 * n + 5; ++i) phases.input(i);
    work(n + 1);
    phases.end({t});
  }
  phases.begin_part("live");
  for (int n = 0; n < 1000; ++n) {
    phases.begin(n, {t});
    work(0.5);
    if (n < 999) phases.end({t});
  }
  CHECK(phases.open());
  const nlohmann::ordered_json facts = phase_facts(phases.so_far({t}), {t});
  REQUIRE(facts.size() == 2);
  CHECK(
      facts[0]["each"][1].dump() ==
      R"({"first":10,"last":14,"inputs":5,"active_s":2.0,"workers":[{"cpu_s":0.5,"units":2000.0,"unit":"particles","achieved_duty":0.25}]})");
  CHECK(facts[0]["over_phases"]["active_s"]["median"] == 1.5);
  CHECK(facts[1]["phases"] == 1000);
  CHECK(facts[1]["left_out"] == 960);
  CHECK(facts[1]["each"].size() == 40);
  CHECK(facts[1]["each"][39]["first"] == 999);
  CHECK(facts[1]["each"][39]["active_s"].get<double>() == Approx(0.5));
  CHECK(facts[1]["over_phases"]["workers"][0]["units_per_active_s"]["max"].get<double>() == Approx(1000));
  CHECK(phase_facts({}, {t}).empty());
  t.on_gpu = true;
  CHECK(phase_facts(phases.so_far({t}), {t})[0]["each"][1]["workers"][0]["gpu_s"] == 0.5);
}

TEST_CASE("Where workers run follows from kind, threads and number", "[co-runner-control]") {
  Scenario s;
  s.inference_cpu = 2;
  s.other_cpu = 5;
  const auto cpus = [&](const std::string& kind, std::optional<int> workers = {}) {
    s.co_runner.kind = kind;
    s.co_runner.workers = workers;
    return worker_cpus(s);
  };
  using Cpus = std::vector<int>;
  CHECK(cpus("none").empty());
  CHECK(cpus("command").empty());
  for (const char* kind : {"compute", "matrix", "stress-ng-compute", "stress-ng-matrix"}) {
    CHECK(cpus(kind) == Cpus{2});
    CHECK(cpus(kind, 2) == Cpus{2, 2});
  }
  for (const char* kind : {"memory", "stress-ng-memory"}) {
    CHECK(cpus(kind) == Cpus{2, 5});
    CHECK(cpus(kind, 1) == Cpus{2});
  }
  CHECK(cpus("gpu-compute") == Cpus{5});
  CHECK(cpus("gpu-memory", 2) == Cpus{5, 5});
  s.threads = 2;
  CHECK(cpus("matrix", 2) == Cpus{2, 3});
  CHECK(cpus("memory") == Cpus{2, 5});
  s.other_cpu = -1;
  CHECK(cpus("memory") == Cpus{2});
  CHECK(cpus("memory", 2) == Cpus{2, -1});
  s.inference_cpu = -1;
  CHECK(cpus("compute", 2) == Cpus{-1, -1});
}

TEST_CASE("The duty of a worker on the GPU is not judged where power caps slow the GPU",
          "[co-runner-control]") {
  Scenario s;
  CoRunnerSpec spec;
  const auto duty = [&](const char* kind, const char* backend) {
    s.co_runner.kind = kind;
    s.power_backend = backend;
    spec.workers = {{kind, 5, 0.4}};
    return work_asked(s, spec).at(0).duty;
  };
  for (const char* backend : {"emulated", "none"}) CHECK(duty("gpu-compute", backend) == 0.4);
  for (const char* backend : {"nvml", "auto"}) {
    CHECK_FALSE(duty("gpu-memory", backend));
    CHECK(duty("compute", backend) == 0.4);
  }
  CHECK(work_asked(s, spec)[0].name == "compute worker 0 on processor 5");
  check_says(joined(starvation({phase(2, 0, 0)}, {{"worker 0", {}, true}})), {"did no work", "no GPU time"});
  CHECK(joined(starvation({phase(2, 0.1, 9)}, {{"worker 0", {}, true}})) == "");
}

TEST_CASE("Two workers of one kind have the same duty, and both show in the facts",
          "[co-runner-control][process]") {
  Scenario s = scenario_with("matrix");
  s.co_runner.workers = 2;
  CoRunnerControl control(s, false);
  REQUIRE(alive_below_us().size() == 2);
  for (int64_t n = 0; n < s.inputs; ++n) {
    control.prepare(n);
    if (control.on(n)) sleep_s(0.1);
  }
  control.stop();
  CHECK(joined(control.problems()) == "");
  const auto workers = control.facts()["workers"];
  REQUIRE(workers.size() == 2);
  for (const auto& worker : workers) {
    CHECK(worker["duty"] == 0.2);
    CHECK(worker["throughput"]["unit"] == "flop");
    CHECK(worker["throughput"]["units"].get<double>() > 1e6);
  }
  CHECK(alive_below_us().empty());
}

TEST_CASE("stress-ng needs no permission, and leaves nothing", "[co-runner-control][process]") {
  if (find_stress_ng().empty()) {
    WARN("skipped: stress-ng is not installed (" << kStressNgMend << ")");
    return;
  }
  Scenario s = scenario_with(GENERATE("stress-ng-compute", "stress-ng-matrix", "stress-ng-memory"));
  if (s.co_runner.kind != "stress-ng-compute") s.co_runner.duty.reset();
  s.co_runner.workers = 2;
  CoRunnerControl control(s, false);
  CHECK(alive_below_us().size() >= 4);  // supervisor, stress-ng, its workers
  const auto cpu_s = [&] { return control.facts()["workers"][0]["throughput"]["cpu_s"].get<double>(); };
  // What was under way when it was paused may take a while to end on a busy machine.
  CHECK(eventually(5, [&] {
    const double before_s = cpu_s();
    sleep_s(0.1);
    return cpu_s() == before_s;
  }));
  const double before_s = cpu_s();
  bool worked = false;
  for (int64_t n = 0; n < s.inputs; ++n) {
    control.prepare(n);
    if (!control.on(n) || worked) continue;
    worked = eventually(5, [&] {  // its turn may be long in coming on a busy machine
      sleep_s(0.05);
      return cpu_s() > before_s;
    });
  }
  CHECK(worked);
  control.stop();
  CHECK(joined(control.problems()) == "");
  CHECK(control.facts()["command"].dump().find("--timeout") != std::string::npos);
  CHECK(control.facts()["slowdown_wanted"].is_null());
  CHECK(alive_below_us().empty());
}

TEST_CASE("Without stress-ng the message says how to get it", "[co-runner-control]") {
  const Folder empty;
  const std::string path = std::getenv("PATH");
  setenv("PATH", empty.path.c_str(), 1);
  const std::string message =
      message_of<EnvironmentError>([] { CoRunnerControl(scenario_with("stress-ng-compute"), false); });
  put(empty / "stress-ng", "");
  std::filesystem::permissions(empty / "stress-ng", std::filesystem::perms::owner_all);
  CHECK(stress_ng_command(co_runner_kind("stress-ng-compute").stress_ng, 2, {0, 3}, 0.256) ==
        std::vector<std::string>{empty / "stress-ng", "--cpu", "2", "--quiet", "--timeout", "2592000",
                                 "--temp-path", std::filesystem::temp_directory_path().string(), "--taskset",
                                 "0,3", "--cpu-load", "26"});
  // Of two workers one is pinned nowhere: the other's processor still counts.
  put(empty / "stress-ng", "#!/bin/sh\nexec /bin/sleep 1000\n");
  Scenario s = scenario_with("stress-ng-memory");
  s.co_runner.duty.reset();
  s.co_runner.workers = 2;
  s.inference_cpu = allowed_cpus().at(0);
  check_says(CoRunnerControl(s, false).facts()["command"].dump(),
             {fmt::format(R"("--taskset","{}")", s.inference_cpu)});
  setenv("PATH", path.c_str(), 1);
  check_says(message, {"stress-ng is not on PATH", "apt-get install stress-ng"});
}
