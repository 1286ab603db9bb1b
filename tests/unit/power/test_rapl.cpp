// Caps and counters on made-up machines; killed runs leave nothing behind.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/random.h"
#include "fake_powercap.h"
#include "killed_child.h"
#include "power/backend.h"
#include "power/guard/cap_guard.h"
#include "power/guard/cap_state.h"
#include "power/rapl/rapl.h"

using namespace alertbench;

namespace {

RaplCapSettings settings_for(const FakeMachine& m, std::vector<double> caps_w = {35, 50, 100}) {
  RaplCapSettings s;
  s.root = m.root();
  s.caps_w = std::move(caps_w);
  return s;
}

// Time that moves the counters of a machine: each zone draws its power.
class MachineClock : public Clock {
 public:
  explicit MachineClock(FakeMachine& m) : machine_(m) {}
  double now_s() override { return time_s_; }
  double processor_s() override { return time_s_; }
  void sleep_until(double t) override { advance(t - time_s_); }
  void advance(double dt_s) {
    if (dt_s <= 0) return;
    time_s_ += dt_s;
    for (auto& [zone, watts] : power_w) {
      const uint64_t range = std::stoull(machine_.get(zone, "max_energy_range_uj"));
      uint64_t uj = std::stoull(machine_.get(zone, "energy_uj")) +
                    static_cast<uint64_t>(std::llround(watts * dt_s * 1e6));
      if (range > 0 && uj > range) uj -= range, ++wraps;
      machine_.set(zone, "energy_uj", std::to_string(uj));
    }
  }
  std::map<std::string, double> power_w;
  int wraps = 0;

 private:
  FakeMachine& machine_;
  double time_s_ = 100;
};

// Waits until no run, and no watchdog, has the machine's lock.
bool lock_is_free(const FakeMachine& m, double within_s) {
  const int file = open(m.file("intel-rapl:0", "name").c_str(), O_RDONLY | O_CLOEXEC);
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(within_s);
  bool free = false;
  while (!(free = flock(file, LOCK_EX | LOCK_NB) == 0) && std::chrono::steady_clock::now() < until)
    usleep(300);
  close(file);
  return free;
}

int files_in(const std::string& folder) {
  std::error_code none;
  int count = 0;
  for (std::filesystem::directory_iterator it(folder, none), end; !none && it != end; ++it) ++count;
  return count;
}

// Sets caps as a run does, restores them, and sets one more; calls `step()` after the first.
template <typename Step>
void set_and_restore(const FakeMachine& m, Random& random, Step step) {
  const auto caps = make_rapl_cap(settings_for(m));
  for (int i = 0; i < 20; ++i) {
    caps->set(std::vector<double>{35, 50, 100}[random.below(3)]);
    step();
  }
  caps->restore();
  caps->set(35);
}

}  // namespace

TEST_CASE("rapl cap: both limits of every package, read back, and restored", "[power][rapl]") {
  FakeMachine m;
  two_packages(m);
  m.set("intel-rapl:1", "enabled", "0");
  m.zone("intel-rapl:2", "psys");
  m.limits("intel-rapl:2", 400, 450, 400);
  const auto found = m.caps();
  {
    const auto caps = make_rapl_cap(settings_for(m));
    CHECK(caps->backend() == "rapl");
    CHECK(caps->emulated_speed() == 1.0);
    CHECK(m.caps() == found);  // nothing yet, but the state is on disk
    const CapState state = read_cap_state(m.state_file());
    CHECK(state.pid == getpid());
    CHECK(state.values.size() == 5);
    for (double cap_w : {35.0, 100.0, 50.5}) {
      caps->set(cap_w);
      for (const char* zone : {"intel-rapl:0", "intel-rapl:1"}) {
        for (const char* limit : {"constraint_0_power_limit_uw", "constraint_1_power_limit_uw"})
          CHECK(m.get(zone, limit) == std::to_string(std::llround(cap_w * 1e6)));
        CHECK(m.get(zone, "enabled") == "1");
      }
      CHECK(m.get("intel-rapl:2", "constraint_0_power_limit_uw") == "400000000");
    }
    caps->restore();
    CHECK(m.caps() == found);
    caps->restore();
    caps->set(35);
    CHECK(m.get("intel-rapl:1", "enabled") == "1");
    CHECK(caps->facts()["zones"][1]["limits"]["long_term"]["found_w"] == 151);
  }
  CHECK(m.caps() == found);
  CHECK(files_in(m.folder / "run/alert-bench") == 0);
  CHECK(lock_is_free(m, 0));
}

TEST_CASE("rapl cap: restored when an exception ends the run", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  const auto found = m.caps();
  try {
    const auto caps = make_rapl_cap(settings_for(m));
    caps->set(35);
    throw std::runtime_error("a network failed");
  } catch (const std::runtime_error&) {
  }
  CHECK(m.caps() == found);
}

TEST_CASE("rapl cap: a limit that does not stick is an error, and nothing stays changed", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  const auto found = m.caps();
  RaplCapSettings s = settings_for(m);
  s.after_write = [&](const std::string& file) { put(file, "90000000\n"); };  // firmware has its own mind
  const std::string why = message_of<EnvironmentError>([&] { make_rapl_cap(s)->set(50); });
  check_says(why, {"constraint_0_power_limit_uw", "reads 90 W after 50 W was written", "does not stick",
                   "power.backend=emulated"});
  CHECK(m.caps() == found);

  s.after_write = [&](const std::string& file) { put(file, "50125000\n"); };  // rounded to its grain
  make_rapl_cap(s)->set(50);
}

TEST_CASE("rapl cap: another program that changes a limit is noticed", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  const auto caps = make_rapl_cap(settings_for(m));
  caps->set(50);
  caps->set(50);
  m.set("intel-rapl:0", "constraint_0_power_limit_uw", "15000000");
  check_says(message_of<RunError>([&] { caps->set(50); }), {"reads 15 W", "had set 50 W", "thermald"});
}

TEST_CASE("rapl cap: range, missing short limit and lower limits in memory are told", "[power][rapl]") {
  FakeMachine m;
  two_packages(m);
  m.set("intel-rapl:0", "constraint_0_max_power_uw", "0");
  std::filesystem::remove(m.file("intel-rapl:0", "constraint_1_name"));
  std::filesystem::remove(m.file("intel-rapl:0", "constraint_1_power_limit_uw"));
  m.zone("intel-rapl-mmio:0", "package-0");
  m.limits("intel-rapl-mmio:0", 20, 200, 45);
  const auto caps = make_rapl_cap(settings_for(m, {35, 50, 180}));
  const auto warnings = caps->warnings();
  REQUIRE(warnings.size() == 4);
  check_says(warnings[0], {"package-1", "no range", "max_power_uw is 0"});
  check_says(warnings[1], {"package-1", "no short-term limit"});
  check_says(warnings[2], {"package-0", "180 W", "150 W"});
  check_says(warnings[3], {"intel-rapl-mmio:0", "package-0", "20 W", "all others"});
  caps->set(50);
  CHECK(m.get("intel-rapl:0", "constraint_0_power_limit_uw") == "50000000");
}

TEST_CASE("rapl cap: what cannot be set is refused before anything is changed", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  m.spoil("intel-rapl:0", "constraint_0_power_limit_uw");
  const auto found = m.caps();
  check_says(message_of<EnvironmentError>([&] { make_rapl_cap(settings_for(m)); }),
             {"constraint_0_power_limit_uw: is not a file", "emulated"});
  CHECK(m.caps() == found);

  FakeMachine amd(true);
  amd.zone("intel-rapl:0", "package-0");
  check_says(message_of<EnvironmentError>([&] { make_rapl_cap(settings_for(amd)); }), {"AMD", "not cap it"});
}

TEST_CASE("rapl cap: the second run is refused, and names the first", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  {
    const auto first = make_rapl_cap(settings_for(m));
    first->set(35);
    RaplCapSettings other = settings_for(m);
    check_says(message_of<EnvironmentError>([&] { make_rapl_cap(other); }),
               {"process " + std::to_string(getpid()), "alert-unit-tests", "since 20", "wait"});
    other.state_folder = m.folder / "elsewhere";  // another user's: refused all the same
    check_says(message_of<EnvironmentError>([&] { make_rapl_cap(other); }), {"not recorded in", "elsewhere"});
    check_says(message_of<EnvironmentError>([&] { restore_caps(m.root(), state_folder("", m.root())); }),
               {"process"});
    CHECK(m.get("intel-rapl:0", "constraint_0_power_limit_uw") == "35000000");
  }
  make_rapl_cap(settings_for(m))->set(50);
}

TEST_CASE("rapl cap: SIGKILL at 200 random moments never leaves a cap behind", "[power][rapl][kill]") {
  FakeMachine m;
  two_packages(m);
  m.set("intel-rapl:0", "enabled", "0");
  const auto found = m.caps();
  Random random(11);
  int changed = 0;
  for (int i = 0; i < 200; ++i) {
    Random own(static_cast<uint64_t>(i));
    run_and_kill([&](auto step) { set_and_restore(m, own, step); }, random.uniform(0, 25e-3), i % 2 == 1);
    changed += m.caps() != found;
    REQUIRE(lock_is_free(m, 20));
    REQUIRE(m.caps() == found);
    REQUIRE(files_in(m.folder / "run/alert-bench") == 0);
  }
  CHECK(changed > 0);  // else the kills came before anything happened
}

TEST_CASE("rapl cap: the watchdog outlives signals to the run's group", "[power][rapl][kill]") {
  FakeMachine m;
  one_package(m);
  const auto found = m.caps();
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);  // Catch has a handler
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    try {
      const auto caps = make_rapl_cap(settings_for(m));
      caps->set(35);
      (void)!write(ready[1], "r", 1);
      while (true) pause();
    } catch (const std::exception&) {
    }
    _exit(9);
  }
  char byte;
  close(ready[1]);
  REQUIRE(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  CHECK(m.get("intel-rapl:0", "constraint_0_power_limit_uw") == "35000000");
  kill(-child, SIGINT);  // Ctrl-C, and no handler here: the run is gone at once
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGINT));
  REQUIRE(lock_is_free(m, 20));
  CHECK(m.caps() == found);
  CHECK_FALSE(std::filesystem::exists(m.state_file()));
}

TEST_CASE("rapl cap: without its watchdog no cap is changed", "[power][rapl][kill]") {
  FakeMachine m;
  one_package(m);
  const auto found = m.caps();
  {
    const auto caps = make_rapl_cap(settings_for(m));
    caps->set(35);
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    int killed = 0;
    for (pid_t child; children >> child;)
      if (contains(content_of("/proc/" + std::to_string(child) + "/comm"), "alert-cap-guard"))
        killed += kill(child, SIGKILL) == 0;
    REQUIRE(killed == 1);
    std::string why;
    for (int i = 0; i < 2000 && why.empty(); ++i) {
      usleep(1000);  // until it is gone
      why = message_of<RunError>([&] { caps->set(50); });
    }
    check_says(why, {"watchdog has ended", "no cap is changed"});
    m.set("intel-rapl:0", "constraint_0_power_limit_uw", "35000000");
  }
  CHECK(m.caps() == found);
}

TEST_CASE("caps left behind are restored by restore, and by the next run", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  const auto found = m.caps();
  const auto leave = [&] {  // as after a power cut: neither run nor watchdog got to it
    put(m.state_file(),
        to_json({123,
                 "alert-bench run x.json",
                 "2020-07-15T12:34:56Z",
                 m.root(),
                 {{"/sys/class/powercap/intel-rapl:0/constraint_1_power_limit_uw", 156'250'000},
                  {"/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw", 125'000'000}}})
            .dump());
    for (const char* limit : {"constraint_0_power_limit_uw", "constraint_1_power_limit_uw"})
      m.set("intel-rapl:0", limit, "35000000");
  };
  const std::string folder = state_folder("", m.root());
  CHECK_FALSE(restore_caps(m.root(), folder).found);
  leave();
  const RestoreResult r = restore_caps(m.root(), folder);
  CHECK((r.found && r.state.pid == 123));
  CHECK(m.caps() == found);
  CHECK_FALSE(restore_caps(m.root(), folder).found);

  leave();
  {
    const auto caps = make_rapl_cap(settings_for(m));
    REQUIRE(caps->warnings().size() == 1);
    check_says(caps->warnings()[0], {"process 123", "alert-bench run x.json", "restored"});
    caps->set(50);
  }
  CHECK(m.caps() == found);

  leave();
  m.spoil("intel-rapl:0", "constraint_0_power_limit_uw");
  check_says(message_of<RunError>([&] { restore_caps(m.root(), folder); }),
             {"constraint_0_power_limit_uw", "not restored"});
  CHECK(m.get("intel-rapl:0", "constraint_1_power_limit_uw") == "156250000");  // the other one was
  CHECK(std::filesystem::exists(m.state_file()));
}

TEST_CASE("a state file can name nothing but caps", "[power][rapl]") {
  CHECK(cap_file("/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw"));
  CHECK(cap_file("/sys/class/powercap/intel-rapl-mmio:12/enabled"));
  for (const char* file :
       {"/etc/passwd", "/sys/class/powercap/intel-rapl:0/../../../etc/passwd",
        "sys/class/powercap/intel-rapl:0/enabled", "/sys/class/powercap/intel-rapl:0/enabled/x",
        "/x/sys/class/powercap/intel-rapl:0/enabled",
        "/sys/class/powercap/intel-rapl:0/constraint_0_time_window_us", ""})
    CHECK_FALSE(cap_file(file));
  CHECK_FALSE(cap_file("/sys/class/powercap/intel-rapl:" + std::string(1'000'000, '0') + "/enabled"));
  const TemporaryFile bad(to_json({1, "x", "now", "", {{"/etc/passwd", 0}}}).dump());
  check_says(message_of([&] { read_cap_state(bad.path); }),
             {bad.path, "/etc/passwd", "not a file that holds a power cap"});
  const TemporaryFile torn("{\"schema_version\":\"1.0\",");
  CHECK_THROWS_AS(read_cap_state(torn.path), InputError);
}

TEST_CASE("a cap is written to a file below the machine's /sys, and nowhere else", "[power][rapl]") {
  namespace fs = std::filesystem;
  Folder m;
  const std::string limit = m / "sys/devices/zone/limit", victim = m / "victim";
  put(limit, "125000000\n");
  put(victim, "precious");
  CHECK(write_sysfs_number(m.path, limit, 7) == "");
  CHECK(content_of(limit) == "7");
  // As the kernel lays it out: a link from the class to the device.
  fs::create_directories(m / "sys/class");
  fs::create_symlink("../devices/zone", m / "sys/class/zone");
  CHECK(write_sysfs_number(m.path, m / "sys/class/zone/limit", 8) == "");
  CHECK(content_of(limit) == "8");

  fs::create_symlink(victim, m / "sys/link");
  CHECK(write_sysfs_number(m.path, m / "sys/link", 9) == "is a symbolic link");
  CHECK(why_not_writable(m / "sys/link") == "is a symbolic link");
  fs::create_symlink(m.path, m / "sys/class/out");
  check_says(write_sysfs_number(m.path, m / "sys/class/out/victim", 9), {"leads out of", victim});
  check_says(write_sysfs_number(m.path, m / "sys/../victim", 9), {"leads out of"});
  fs::create_hard_link(victim, m / "sys/twin");
  check_says(write_sysfs_number(m.path, m / "sys/twin", 9), {"has another name"});
  CHECK(write_sysfs_number("", limit, 9) == "is not a file of sysfs");
  CHECK(write_sysfs_number(m.path, m / "sys/absent", 9) == std::strerror(ENOENT));
  CHECK(content_of(victim) == "precious");
  CHECK(content_of(limit) == "8");
}

TEST_CASE("caps found are noted only where nobody else can write", "[power][rapl]") {
  namespace fs = std::filesystem;
  FakeMachine m;
  one_package(m);
  RaplCapSettings settings = settings_for(m);
  settings.state_folder = m.folder / "open";
  fs::create_directories(settings.state_folder);
  fs::permissions(settings.state_folder, fs::perms::all);
  check_says(message_of<EnvironmentError>([&] { make_rapl_cap(settings)->set(50); }),
             {settings.state_folder, "written to by others", "go-w"});
  fs::permissions(settings.state_folder, fs::perms::owner_all);
  put(m.folder / "victim", "precious");
  fs::create_symlink(m.folder / "victim", state_path(settings.state_folder));
  CHECK_THROWS_AS(make_rapl_cap(settings)->set(50), Error);
  CHECK(content_of(m.folder / "victim") == "precious");
  CHECK(m.get("intel-rapl:0", "constraint_0_power_limit_uw") == "125000000");
}

TEST_CASE("counters step across their own range", "[power][rapl]") {
  CHECK(counter_step(10, 15, {}) == 5u);
  CHECK(counter_step(10, 10, {}) == 0u);
  CHECK(counter_step(90, 5, 100) == 15u);
  CHECK(counter_step(UINT64_MAX - 1, 3, UINT64_MAX) == 4u);
  CHECK_FALSE(counter_step(10, 5, {}));
  CHECK_FALSE(counter_step(10, 5, 0));
  CHECK_FALSE(counter_step(110, 5, 100));
}

TEST_CASE("rapl energy: packages and their DRAM, nothing twice, across wraps", "[power][rapl]") {
  FakeMachine m;
  two_packages(m);
  m.zone("intel-rapl:0:1", "core");
  m.zone("intel-rapl:2", "psys");
  m.set("intel-rapl:0", "energy_uj",
        std::to_string(FakeMachine::server_range_uj - 5'000'000));                // wraps after 5 J
  m.set("intel-rapl:1:0", "energy_uj", std::to_string(65712999613 - 1'000'000));  // its own range
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 80},  {"intel-rapl:1", 40},   {"intel-rapl:0:0", 5},
                   {"intel-rapl:1:0", 3}, {"intel-rapl:0:1", 60}, {"intel-rapl:2", 300}};
  const auto counter = make_rapl_counter(m.root(), clock);
  CHECK(counter->source() == "rapl");
  check_says(counter->description(), {"package-0", "dram of package-0", "package-1", "dram of package-1"});
  const auto domains = counter->domains();
  REQUIRE(domains.size() == 4);
  CHECK(domains[0].resolution_j == Approx(61.035e-6).epsilon(1e-3));
  CHECK(domains[1].resolution_j == Approx(15.3e-6).epsilon(1e-2));
  CHECK((domains[0].capped && !domains[1].capped));
  CHECK(counter->sample_interval_s() == Approx(65712.999613 / 2000 / 2));  // DRAM wraps first
  CHECK(counter->facts()["domains"].size() == 4);

  const auto from = counter->read();
  REQUIRE(from);
  for (int i = 0; i < 10; ++i) clock.advance(0.1), counter->sample();
  const auto to = counter->read();
  REQUIRE(to);
  CHECK(clock.wraps == 2);
  CHECK(to->at_s - from->at_s == Approx(1));
  CHECK(to->total_j - from->total_j == Approx(128));
  CHECK(to->capped_j - from->capped_j == Approx(120));
  CHECK(counter->problems().empty());
}

TEST_CASE("rapl energy: sampled often enough, no wrap is lost in a long gap", "[power][rapl]") {
  FakeMachine m;
  m.zone("intel-rapl:0", "package-0", 0, 100'000'000);  // 100 J
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 900}};
  const auto counter = make_rapl_counter(m.root(), clock);
  CHECK(counter->sample_interval_s() == Approx(0.05));
  const auto from = counter->read();
  for (int i = 0; i < 200; ++i) clock.advance(counter->sample_interval_s()), counter->sample();
  CHECK(clock.wraps >= 89);
  CHECK(counter->read()->total_j - from->total_j == Approx(9000));
}

TEST_CASE("rapl energy: faults of a counter are told, and cost only the windows they touch",
          "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  m.set("intel-rapl:0", "energy_uj", "50000000000");
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 50}, {"intel-rapl:0:1", 5}};
  const auto counter = make_rapl_counter(m.root(), clock);
  REQUIRE(counter->read());

  SECTION("it jumps back") {
    m.set("intel-rapl:0", "energy_uj", "7");
    clock.advance(0.1);
    CHECK_FALSE(counter->read());
    const auto from = counter->read();
    REQUIRE(from);
    clock.advance(0.1);
    CHECK(counter->read()->total_j - from->total_j == Approx(5.5));
    REQUIRE(counter->problems().size() == 1);
    check_says(counter->problems()[0], {"package-0", "jumped back from 50000", "not a wrap"});
  }
  SECTION("it jumps back between two readings, seen by the sampler only") {
    m.set("intel-rapl:0", "energy_uj", "7");
    counter->sample();
    CHECK_FALSE(counter->read());
    CHECK(counter->read());
  }
  SECTION("it goes away") {
    const std::string path = m.file("intel-rapl:0", "energy_uj");
    std::filesystem::rename(path, path + ".gone");
    CHECK_FALSE(counter->read());
    CHECK_FALSE(counter->read());
    REQUIRE(counter->problems().size() == 1);
    check_says(counter->problems()[0], {"package-0", "No such file"});
    std::filesystem::rename(path + ".gone", path);
    CHECK(counter->read());
  }
}

TEST_CASE("rapl energy: a range of nothing is a gap at the wrap, a huge one never wraps", "[power][rapl]") {
  FakeMachine m;
  m.zone("intel-rapl:0", "package-0", 1000, 0);
  m.zone("intel-rapl:0:0", "dram", 1000, UINT64_MAX);
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 50}, {"intel-rapl:0:0", 5}};
  const auto counter = make_rapl_counter(m.root(), clock);
  check_says(counter->description(), {"package-0: unknown range"});
  CHECK(counter->sample_interval_s() == 60);
  REQUIRE(counter->read());
  m.set("intel-rapl:0", "energy_uj", "1");
  CHECK_FALSE(counter->read());
  CHECK(counter->problems().size() == 1);
}

TEST_CASE("rapl energy: counters that stand still are none", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 50}};
  const auto counter = make_rapl_counter(m.root(), clock);
  check_says(counter->description(), {"dram of package-0 omitted", "stands still"});
  CHECK(counter->domains().size() == 1);
  clock.power_w.clear();
  check_says(message_of<EnvironmentError>([&] { make_rapl_counter(m.root(), clock); }),
             {"energy_uj", "stands still", "emulated"});
}

TEST_CASE("a sampler thread samples, and ends at once", "[power][rapl]") {
  FakeMachine m;
  m.zone("intel-rapl:0", "package-0");
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 50}};
  const auto counter = make_rapl_counter(m.root(), clock);
  REQUIRE(counter->read());
  {
    EnergySampler sampler(*counter, 1e-3);
    m.spoil("intel-rapl:0", "energy_uj");
    for (int i = 0; i < 5000 && counter->problems().empty(); ++i) usleep(1000);
  }
  CHECK(counter->problems().size() == 1);
  const auto begin = std::chrono::steady_clock::now();
  { EnergySampler sampler(*counter, 3600); }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("the counter's meter: whole periods, measured idle power, the profile's power in short windows",
          "[power][rapl]") {
  FakeMachine m;
  m.zone("intel-rapl:0", "package-0");
  MachineClock clock(m);
  auto& watts = clock.power_w["intel-rapl:0"];
  watts = 10;
  const auto counter = make_rapl_counter(m.root(), clock);
  Profile p;
  p.models = {{"a", false, {0.5}, "assumed", ""}};
  p.caps_w = {50, 100};
  p.active_power_w = {44, 88};
  p.idle_power_w = 20;
  const auto meter = make_counter_meter(*counter, p);
  CHECK(meter->source() == "rapl");
  const auto period = [&](double busy_w, double busy_s, double period_s, int cap = 1) {
    meter->begin_period();
    watts = busy_w;
    clock.advance(busy_s);
    const PeriodEnergy e = meter->end_period(0, cap, busy_s, period_s);
    watts = 12;
    meter->begin_idle();
    clock.advance(std::max(0.0, period_s - busy_s));
    return e;
  };
  PeriodEnergy e = period(90, 0.05, 0.1);
  CHECK(*e.active_power_w == Approx(90));
  CHECK(*e.energy_j == Approx(90 * 0.05 + 20 * 0.05));  // idle power of the profile
  e = period(90, 0.05, 0.1);
  CHECK(*e.idle_power_w == Approx(12));  // seen in between
  CHECK(*e.energy_j == Approx(90 * 0.05 + 12 * 0.05));
  e = period(60, 0.12, 0.1);  // longer than its period
  CHECK(*e.energy_j == Approx(60 * 0.12));
  e = period(70, 0.002, 0.1, 0);  // two refreshes
  CHECK(*e.active_power_w == Approx(44));
  CHECK(*e.energy_j == Approx(44 * 0.002 + 12 * 0.098));
  e = period(70, 0.05, 0.052, 0);  // the idle spell after it is as short
  CHECK(*e.active_power_w == Approx(70));
  e = period(70, 0.05, 0.1, 0);
  CHECK(*e.idle_power_w == Approx(12));
  CHECK(meter->facts()["windows"] == 6);
  CHECK(meter->facts()["windows_under_five_refreshes"] == 1);
  m.spoil("intel-rapl:0", "energy_uj");
  clock.power_w.clear();
  meter->begin_period();
  e = meter->end_period(0, 1, 0.05, 0.1);
  CHECK_FALSE(e.energy_j);
  CHECK(meter->facts()["without_energy"] == 1);
}

TEST_CASE("the backend of a scenario: what is asked for, or what the machine has", "[power][rapl]") {
  FakeMachine m;
  one_package(m);
  MachineClock clock(m);
  clock.power_w = {{"intel-rapl:0", 50}, {"intel-rapl:0:1", 5}};
  PowerRequest request;
  request.root = m.root();
  request.caps_w = {35, 50};
  const auto opened = [&](const char* backend) {
    request.backend = backend;
    return open_power(request, clock);
  };
  {
    const PowerBackend power = opened("rapl");
    CHECK(power.caps->backend() == "rapl");
    CHECK(power.energy_source() == "rapl");
    CHECK(power.facts()["counter"]["domains"].size() == 2);
    CHECK_THROWS_AS(opened("auto"), EnvironmentError);  // the machine is taken: no quiet change of backend
  }
  CHECK(opened("auto").caps->backend() == "rapl");
  CHECK(opened("none").caps->backend() == "none");
  CHECK(opened("none").energy_source() == "model");
  CHECK(opened("emulated").notes.empty());

  clock.power_w.clear();  // the counters stand still
  PowerBackend power = opened("auto");
  CHECK(power.caps->backend() == "emulated");
  REQUIRE(power.warnings().size() == 1);
  check_says(power.warnings()[0], {"auto is emulated", "stands still"});

  FakeMachine amd(true);
  amd.zone("intel-rapl:0", "package-0");
  MachineClock amd_clock(amd);
  amd_clock.power_w = {{"intel-rapl:0", 50}};
  request.root = amd.root();
  request.backend = "rapl";
  check_says(message_of<EnvironmentError>([&] { open_power(request, amd_clock); }), {"AMD", "cannot be set"});
  request.caps_w = {100};
  power = open_power(request, amd_clock);
  CHECK(power.energy_source() == "rapl");
  power.caps->set(100);
  check_says(power.notes.at(0), {"not cap it", "uncapped"});
  request.backend = "auto";
  check_says(open_power(request, amd_clock).notes.at(0), {"emulated", "AMD"});
}
