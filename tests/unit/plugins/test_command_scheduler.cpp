// Schedulers that are programs, asked over pipes.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "host/process_tree.h"
#include "plugins/command_scheduler.h"
#include "plugins/external_schedulers.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

// A program in Python that answers the first line, and then runs `body` for each line `m`.
struct Program {
  explicit Program(const std::string& body, const std::string& first = "say({'protocol': 1})") {
    put(folder / "s.py",
        "import json, os, subprocess, sys, time\n"
        "def say(x): print(json.dumps(x), flush=True)\n"
        "hello = json.loads(sys.stdin.readline())\n" +
            first + "\nfor line in sys.stdin:\n  m = json.loads(line)\n" + body + "\n");
  }
  std::string scheduler() const { return "cmd:/usr/bin/python3 " + folder / "s.py"; }
  std::unique_ptr<Scheduler> open(const json& settings = json::object()) const {
    return make_any_scheduler(scheduler(), "cmd-s", {profile, goals}, settings, "test");
  }
  // The message with which the second decision ends the run.
  std::string said(const json& settings = json::object()) const {
    return message_of<RunError>([&] {
      const auto s = open(settings);
      for (int64_t input = 0; input < 2; ++input) {
        const Configuration c = s->decide({input, 0.1, 0.1});
        Observation o;
        o.configuration = c;
        s->observe(o);
      }
    });
  }

  Folder folder;
  Profile profile = fixture::mixed();
  Goals goals = fixture::min_energy(0.1, 0.5);
};

const std::string good = "{'input': m['input'], 'model': 'any', 'stage': 2, 'cap': 1}";

// A program whose answer to the second decision is `second`, in Python.
std::string answers(const std::string& second) {
  return "  if m['type'] == 'decide': " + second + " if m['input'] == 1 else say(" + good + ")";
}

// Nothing is shown on standard error for as long as it lives.
struct Quiet {
  Quiet() : stream(dup(STDERR_FILENO)) { dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO); }
  ~Quiet() { dup2(stream, STDERR_FILENO); }
  const int stream;
};

std::vector<Process> ours() { return descendants(getpid()); }

}  // namespace

TEST_CASE("a program decides, and sees profile, goals, settings and observations", "[command-scheduler]") {
  Program program(
      "  if m['type'] == 'observe': seen = m; continue\n"
      "  if m['input'] == 1: open(sys.argv[0] + '.log', 'w').write(json.dumps([hello, m, seen]))\n"
      "  say({'input': m['input'], 'model': 'any', 'stage': 2, 'cap': 1, 'predicted': {'latency_s': 0.5, "
      "'accuracy': None}})");
  {
    const auto scheduler = program.open({{"x", 1}});
    CHECK(scheduler->decides_elsewhere());
    const Context context{0, 0.25, 0.5, 1.5, 0.125, 3, 0.0625};
    CHECK(scheduler->decide(context) == Configuration{2, 2, 1});
    REQUIRE(scheduler->prediction());
    CHECK(scheduler->prediction()->latency_s == 0.5);
    CHECK(std::isnan(scheduler->prediction()->accuracy));
    Observation o;
    o.configuration = {2, 2, 1};
    o.stages_finished = 1;
    o.last_stage_end_s = 0.1;
    o.energy_j = 1.0 / 3;
    scheduler->observe(o);
    scheduler->decide({1, 0.1, 0.2});
  }
  CHECK(ours().empty());
  const json seen = json::parse(content_of(program.folder / "s.py.log"));
  CHECK(seen[0]["protocol"] == 1);
  CHECK(seen[0]["settings"] == json{{"x", 1}});
  CHECK(seen[0]["goals"] == json{{"name", "e"},
                                 {"task", "min_energy"},
                                 {"deadline_s", 0.1},
                                 {"accuracy", 0.5},
                                 {"energy_j", nullptr},
                                 {"judge", "strict"},
                                 {"goal_tolerance", {{"accuracy", 0.001}, {"energy", 0.01}}}});
  CHECK(seen[0]["profile"] == json::parse(program.profile.to_json().dump()));
  CHECK(seen[1] == json{{"type", "decide"},
                        {"input", 1},
                        {"deadline_from_start_s", 0.1},
                        {"period_s", 0.2},
                        {"size", 1},
                        {"group_deadline_from_start_s", 0.1},
                        {"members_left", 1},
                        {"idle_charged_s", 0}});
  CHECK(seen[2]["model"] == "any");
  CHECK(seen[2]["energy_j"] == 1.0 / 3);
  CHECK(seen[2]["idle_power_w"].is_null());
  CHECK(seen[2]["input"] == 0);
  CHECK(seen[2].size() == 16);
}

TEST_CASE("an answer that is no decision ends the run", "[command-scheduler]") {
  const auto said = [](const std::string& second) { return Program(answers(second)).said(); };
  check_says(said("print('hello', flush=True)"), {"s.py: input 1: its answer, hello", "line 1"});
  check_says(said("say([1])"), {"input 1: its answer, [1]", "object"});
  check_says(said("say({'input': 1, 'model': 'huge', 'stage': 1, 'cap': 0})"),
             {"input 1", "model", "\"huge\" is no network of the profile, which has small, large, any"});
  check_says(said("say({'input': 1, 'model': 'any', 'stage': 4, 'cap': 0})"), {"input 1", "stage", "4", "3"});
  check_says(said("say({'input': 1, 'model': 'any', 'stage': 1, 'cap': 1.5})"), {"input 1", "cap", "1.5"});
  check_says(said("say({'input': 1, 'model': 'any', 'stage': 1, 'cap': float('nan')})"), {"input 1", "NaN"});
  check_says(said("say({'input': 1, 'model': 'any', 'stage': 1})"), {"input 1", "cap", "missing"});
  check_says(said("say({**" + good + ", 'cpa': 1})"), {"input 1", "unknown key", "cpa"});
  check_says(said("say({**" + good + ", 'predicted': {'accuracy': 2}})"), {"input 1", "accuracy", "2"});
  check_says(said("print('x' * 100000, flush=True)"), {"s.py", "65536 bytes without a line break"});
  check_says(said("say({**" + good + ", 'input': 0})"), {"input 1", "0, but input 1 was asked about"});
  check_says(said("say({'model': 'any', 'stage': 1, 'cap': 0})"), {"input 1", "input: is missing"});
  // Whether the answer too many is seen before or after the question is a race.
  const std::string observed = Program("  say({'input': 0, 'model': 'any', 'stage': 2, 'cap': 1})").said();
  CHECK(
      (contains(observed, "a line that nobody asked for") || contains(observed, "input 1 was asked about")));
  check_says(Program("", "say({'protocol': 2})").said(), {"protocol", "2", "{\"protocol\": 1}"});
  CHECK(ours().empty());
}

TEST_CASE("a program that ends, hangs or closes its output ends the run, and nothing of it is left",
          "[command-scheduler]") {
  const auto said = [](const std::string& second, const json& settings = json::object()) {
    return Program(answers(second)).said(settings);
  };
  check_says(said("sys.exit(3)"), {"s.py: exited with status 3"});
  check_says(said("undefined()"), {"exited with status 1 (its last words: NameError"});
  check_says(said("os.kill(os.getpid(), 9)"), {"was killed by signal 9"});
  check_says(said("(os.close(1), time.sleep(1000))"), {"s.py: closed its standard output"});
  check_says(said("time.sleep(1000)", {{"timeout_s", 0.2}}),
             {"s.py: did not answer within 0.2 s", "timeout_s"});
  // What it began holds its output open.
  check_says(said("(subprocess.Popen(['sleep', '1000']), sys.exit(0))"), {"s.py: exited with status 0"});
  check_says(Program("", "time.sleep(1000)").said({{"timeout_s", 0.2}}), {"did not answer within 0.2 s"});
  check_says(Program("", "sys.exit(5)").said(), {"exited with status 5"});
  CHECK(ours().empty());
  check_says(
      message_of([] {
        const Profile p = fixture::mixed();
        make_any_scheduler("cmd:/no/such/program", "cmd-x", {p, fixture::min_energy(0.1, 0.5)}, {}, "t");
      }),
      {"cmd:/no/such/program cannot be executed", "No such file"});
}

TEST_CASE("a program that does not read is noticed even when nothing is asked", "[command-scheduler]") {
  Program program("  say(" + good + "); time.sleep(1000)");
  const auto scheduler = program.open({{"timeout_s", 3}});
  Observation o;
  o.configuration = scheduler->decide({0, 0.1, 0.1});
  check_says(message_of<RunError>([&] {
               for (int k = 0; k < 100'000; ++k) scheduler->observe(o);
             }),
             {"did not read within 3 s"});
}

TEST_CASE("a program may write much to its standard error, and end in its own time", "[command-scheduler]") {
  Program program("  if m['type'] == 'decide': print('e' * 300000, file=sys.stderr, flush=True); say(" +
                  good + ")\ntime.sleep(0.2)\nopen(sys.argv[0] + '.end', 'w').write('done')");
  const Quiet quiet;
  program.open()->decide({0, 0.1, 0.1});
  CHECK(content_of(program.folder / "s.py.end") == "done");
  CHECK(ours().empty());
}

TEST_CASE("a program does not outlive a harness that is killed", "[command-scheduler][process]") {
  Program program("  say(" + good + ")",
                  "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
                  "open(sys.argv[0] + '.pid', 'w').write(str(os.getpid()))\nsay({'protocol': 1})");
  const pid_t harness = fork();
  if (harness == 0) {
    try {
      const auto scheduler = program.open();
      pause();
    } catch (...) {
    }
    _exit(1);
  }
  const auto eventually = [](const auto& condition) {
    for (int k = 0; k < 1000 && !condition(); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  };
  REQUIRE(eventually([&] { return !content_of(program.folder / "s.py.pid").empty(); }));
  const pid_t pid = std::stoi(content_of(program.folder / "s.py.pid"));
  std::vector<Process> all = descendants(harness);
  REQUIRE(all.size() >= 3);  // the supervisor, the program and its sleep
  kill(harness, SIGKILL);
  waitpid(harness, nullptr, 0);
  for (const Process& p : all)
    CHECK(eventually([&] {
      const auto now = read_process(p.pid);
      return !now || now->state == 'Z';
    }));
  CHECK(pid > 0);
}
