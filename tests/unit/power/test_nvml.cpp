// Caps and energy of GPUs, on a stand-in for NVIDIA's library; killed runs leave nothing behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "fake_gpu.h"
#include "fake_powercap.h"
#include "killed_child.h"
#include "power/backend.h"
#include "power/cpufreq/cpufreq.h"
#include "power/guard/cap_guard.h"
#include "power/nvml/nvml.h"
#include "power/rapl/rapl.h"

using namespace alertbench;

namespace {

constexpr int not_supported = 3, no_permission = 4, unknown_gpu_error = 999;

PowerRequest request_for(const FakeGpus& g, const char* backend, const char* device) {
  PowerRequest r;
  r.backend = backend;
  r.root = g.root();
  r.caps_w = {150, 250, 400};
  r.device = device;
  r.nvml_library = FakeGpus::library;
  return r;
}

void await_lock(const std::string& path) {
  const int lock = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (int wait = 0; flock(lock, LOCK_EX | LOCK_NB) != 0 && wait < 20'000; ++wait) usleep(1000);
  close(lock);
}

// SIGKILL at random moments of runs that set caps without end; every other one not before it has set its
// first.
void kill_runs(const FakeGpus& g, const NvmlCapSettings& settings, int times, uint64_t seed) {
  Random random(seed);
  int changed = 0;
  for (int i = 0; i < times; ++i) {
    Random own(static_cast<uint64_t>(i));
    SystemClock clock;
    run_and_kill(
        [&](auto step) {
          const auto caps = make_nvml_cap(settings, clock);
          for (int k = 0; k < 20; ++k) {
            caps->set(std::vector<double>{150, 250, 400}[own.below(3)]);
            step();
          }
        },
        random.uniform(0, 30e-3), i % 2 == 1);
    changed += !g.as_found();
    await_lock(g.root() + "/dev/nvidiactl");
    REQUIRE(g.as_found());
    REQUIRE_FALSE(std::filesystem::exists(g.state_file()));
  }
  CHECK(changed > 0);  // else the kills came before anything happened
}

}  // namespace

TEST_CASE("nvml: a GPU is found by index, UUID, beginning of one, or as CUDA finds its first",
          "[power][nvml]") {
  const FakeGpus g(2);
  const Nvml nvml(FakeGpus::library);
  CHECK(nvml.driver() == "535.fake");
  REQUIRE(nvml.gpus().size() == 2);
  CHECK(nvml.find("").index() == 0);
  CHECK(nvml.find("1").uuid() == FakeGpus::uuid(1));
  CHECK(nvml.find(FakeGpus::uuid(1)).index() == 1);
  CHECK(nvml.find("GPU-00000001").index() == 1);
  check_says(message_of<EnvironmentError>([&] { nvml.find("GPU-0000000"); }), {"more than one"});
  check_says(message_of<EnvironmentError>([&] { nvml.find("2"); }),
             {"power.gpu", "no GPU matches \"2\"", "1: Fake A100", FakeGpus::uuid(0)});
  check_says(message_of([&] { nvml.find("first"); }), {"power.gpu", "\"first\"", "GPU-..."});
  setenv("CUDA_VISIBLE_DEVICES", "1,0", 1);
  CHECK(nvml.find("").index() == 1);
  CHECK(nvml.find("0").index() == 0);
  setenv("CUDA_VISIBLE_DEVICES", "MIG-1234", 1);
  check_says(message_of<EnvironmentError>([&] { nvml.find(""); }),
             {"CUDA_VISIBLE_DEVICES", "MIG", "power.gpu"});
  unsetenv("CUDA_VISIBLE_DEVICES");
  CHECK_FALSE(nvml.first_in_doubt());
  g.set("name", "Fake T4", 1);
  CHECK(nvml.first_in_doubt());
  setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
  CHECK_FALSE(nvml.first_in_doubt());
  unsetenv("CUDA_DEVICE_ORDER");
  put(g.file("errors/nvmlDeviceGetHandleByIndex_v2"), "4");
  std::vector<std::string> problems;
  REQUIRE(nvml.gpus(&problems).size() == 1);
  CHECK(nvml.find("1").index() == 1);  // not moved up
  check_says(problems.at(0), {"GPU 0", "Insufficient Permissions"});
}

TEST_CASE("nvml: a library that is missing, torn, another one, or without a driver", "[power][nvml]") {
  const FakeGpus g;
  check_says(message_of<EnvironmentError>([&] { Nvml("libnvidia-absent.so.1"); }),
             {"libnvidia-absent.so.1", "NVIDIA's driver", "power.nvml_library"});
  put(g.folder / "torn.so",
      "\x7f"
      "ELF");
  check_says(message_of<EnvironmentError>([&] { Nvml(g.folder / "torn.so"); }), {"torn.so", "too short"});
  check_says(message_of<EnvironmentError>([&] { Nvml("libz.so.1"); }), {"libz.so.1", "not NVML"});
  g.fail("nvmlInit_v2", 9);
  check_says(message_of<EnvironmentError>([&] { Nvml{FakeGpus::library}; }),
             {"cannot be initialised", "Driver Not Loaded"});
  CHECK(probe_nvml(FakeGpus::library, g.root()).problems.size() == 1);
}

TEST_CASE("nvml cap: the power limit, read back, and restored", "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  {
    const auto caps = make_nvml_cap(g.settings(), clock);
    CHECK(caps->backend() == "nvml");
    CHECK(caps->emulated_speed() == 1.0);
    CHECK(caps->warnings().empty());  // found as it is by default
    CHECK(g.as_found());              // nothing yet, but the state is on disk
    const CapState state = read_cap_state(g.state_file());
    REQUIRE(state.values.size() == 1);
    CHECK(state.values[0].file == "nvml/" + FakeGpus::uuid() + "/power_limit_mw");
    CHECK(state.values[0].value == 380'000);
    CHECK_FALSE(
        contains(content_of(g.state_file()), "fake-nvml"));  // nobody is led to load a library by this file
    caps->set(150);
    CHECK(g.get("limit_mw") == "150000");
    caps->set(250.5);
    caps->set(250.5);
    CHECK(g.get("limit_mw") == "250500");
    const auto facts = caps->facts();
    CHECK(facts["by"] == "power limit");
    CHECK(facts["found_w"] == 380);
    CHECK(facts["range_w"] == nlohmann::ordered_json::array({100.0, 400.0}));
    CHECK(facts["changes"]["count"] == 2);
    CHECK(facts["checks"]["count"] == 1);
    caps->restore();
    CHECK(g.as_found());
    caps->set(400);
    g.set("limit_mw", "200000");
    check_says(message_of<RunError>([&] { caps->set(400); }),
               {"reads 200 W", "had set 400 W", "another program"});
  }
  CHECK(g.as_found());
  CHECK_FALSE(std::filesystem::exists(g.state_file()));
  try {
    const auto caps = make_nvml_cap(g.settings(), clock);
    caps->set(150);
    throw std::runtime_error("a network failed");
  } catch (const std::runtime_error&) {
  }
  CHECK(g.as_found());
}

TEST_CASE("nvml cap: what cannot be is told, and nothing stays changed", "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  const auto refusal = [&](const NvmlCapSettings& s) {
    return message_of<EnvironmentError>([&] { make_nvml_cap(s, clock)->set(s.caps_w.front()); });
  };
  SECTION("a cap outside the range") {
    check_says(refusal(g.settings({50, 250})), {"50 W", "Fake A100", "100 to 400 W", "caps_w"});
    check_says(refusal(g.settings({250, 401})), {"401 W", "100 to 400 W"});
  }
  SECTION("no permission, as the driver says") {
    g.fail("nvmlDeviceSetPowerManagementLimit", no_permission);
    check_says(refusal(g.settings()), {"Insufficient Permissions", "power.frequency_table", "sudo -E",
                                       "SYS_ADMIN", "nvidia-smi -i " + FakeGpus::uuid()});
    g.fail("nvmlDeviceResetGpuLockedClocks", no_permission);
    NvmlCapSettings s = g.clock_settings();
    CHECK_THROWS_AS(make_nvml_cap(s, clock), CannotCap);
  }
  SECTION("no permission, as the kernel says") {
    put(g.root() + "/proc/self/status", "Name:\talert-bench\nCapEff:\t00000000a80425fb\n");
    check_says(refusal(g.settings()), {"not root", "CAP_SYS_ADMIN", "sudo -E"});
    put(g.root() + "/proc/self/status", "CapEff:\t000001ffffffffff\n");
    put(g.root() + "/proc/self/uid_map", "         0       1000          1\n");
    check_says(refusal(g.settings()), {"user namespace"});
    put(g.root() + "/proc/self/uid_map", "         0          0 4294967295\n");
    CHECK(refusal(g.settings()).empty());
  }
  SECTION("an old GPU without limits") {
    for (const char* name : {"limit_mw", "clocks_mhz"}) g.remove(name);
    check_says(refusal(g.settings()), {"nvmlDeviceGetPowerManagementLimit: Not Supported", "one cap"});
    NvmlCapSettings s = g.clock_settings();
    check_says(refusal(s), {"nvmlDeviceResetGpuLockedClocks: Not Supported"});
    g.set("limit_mw", "380000");
  }
  SECTION("a limit that does not stick") {
    g.set("stubborn_mw", "380000");
    check_says(refusal(g.settings()), {"reads 380 W after 150 W was set", "does not stick", "emulated"});
  }
  SECTION("a UUID of a form that could not be restored by") {
    g.set("uuid", "GPU-odd");
    check_says(refusal(g.settings()), {"nvml/GPU-odd/power_limit_mw", "state files must not"});
  }
  SECTION("nothing to lock") {
    std::filesystem::remove(g.root() + "/dev/nvidiactl");
    check_says(refusal(g.settings()), {"nothing to lock", "/dev/nvidiactl"});
  }
  CHECK(g.as_found());
  CHECK_FALSE(std::filesystem::exists(g.state_file()));
}

TEST_CASE("nvml cap: a limit of somebody else below the caps is told", "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  g.set("enforced_mw", "200000");
  const auto caps = make_nvml_cap(g.settings(), clock);
  REQUIRE(caps->warnings().size() == 1);
  check_says(caps->warnings()[0], {"to 200 W", "up to 400 W", "not in force"});
}

TEST_CASE("nvml cap: permission and GPU that go away are errors of their own", "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  {
    const auto caps = make_nvml_cap(g.settings(), clock);
    caps->set(150);
    g.fail("nvmlDeviceSetPowerManagementLimit", no_permission);
    check_says(message_of<EnvironmentError>([&] { caps->set(250); }),
               {"250 W", "Insufficient Permissions", "doctor"});
    g.work_again("nvmlDeviceSetPowerManagementLimit");
    caps->set(250);
    g.set("lost", "1");
    check_says(message_of<RunError>([&] { caps->set(150); }), {"GPU is lost"});
    check_says(message_of<RunError>([&] { caps->restore(); }), {"GPU is lost", "not restored"});
    g.remove("lost");
  }
  CHECK(g.as_found());
}

TEST_CASE("nvml cap: clocks locked by the table where limits cannot be set", "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  {
    const auto caps = make_nvml_cap(g.clock_settings(), clock);
    REQUIRE(caps->warnings().size() == 1);
    check_says(caps->warnings()[0], {"locking its clocks", "Not Supported", "is not known"});
    CHECK(read_cap_state(g.state_file()).values.at(0).file == "nvml/" + FakeGpus::uuid() + "/locked_clocks");
    caps->set(150);
    CHECK(g.get("lock_mhz") == "210 600");
    caps->set(250);
    CHECK(g.get("lock_mhz") == "210 900");  // 1000: it has none
    caps->set(400);
    CHECK(g.get("lock_mhz") == "210 1410");
    caps->set(150);
    clock.advance(0.6);
    caps->set(150);
    const auto facts = caps->facts();
    CHECK(facts["by"] == "locked clocks");
    CHECK(facts["mhz_by_cap"] == nlohmann::ordered_json::array({600, 900, 1410}));
    CHECK(facts["looks_at_the_clock"] == 1);
    check_says(facts["read_back"].get<std::string>(), {"not possible"});
    CHECK(g.get("limit_mw") == "380000");
    caps->set(250);
    g.remove("lock_mhz");
    caps->set(250);  // too early to tell
    clock.advance(0.6);
    check_says(message_of<RunError>([&] { caps->set(400); }),
               {"1410 MHz", "900 MHz at most", "another program"});
    caps->restore();
    CHECK(g.as_found());
    caps->set(150);
  }
  CHECK(g.as_found());
  NvmlCapSettings s = g.clock_settings();
  s.caps_w = {100, 250};
  check_says(message_of([&] { make_nvml_cap(s, clock); }), {"100 W", "table"});
  s.frequencies = FrequencyTable({{50, 200}, {250, 1000}}, "table");
  check_says(message_of<EnvironmentError>([&] { make_nvml_cap(s, clock); }),
             {"100 W means 200 MHz", "below 210 MHz"});
  CHECK_FALSE(std::filesystem::exists(g.state_file()));
}

TEST_CASE("nvml cap: the second run is refused, and names the first, whatever it caps", "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  const std::string self = "process " + std::to_string(getpid());
  {
    const auto first = make_nvml_cap(g.settings(), clock);
    check_says(message_of<CapsTaken>([&] { make_nvml_cap(g.settings(), clock); }),
               {self, "alert-unit-tests", "wait"});
    check_says(message_of<EnvironmentError>(
                   [&] { restore_caps(g.root(), state_folder("", g.root()), FakeGpus::library); }),
               {self});
  }
  FakeMachine m;
  one_package(m);
  put(m.folder / "dev/nvidiactl", "");
  NvmlCapSettings s = g.settings();
  s.root = m.root();
  const auto first = make_nvml_cap(s, clock);
  RaplCapSettings rapl;
  rapl.root = m.root();
  rapl.caps_w = {50};
  check_says(message_of<CapsTaken>([&] { make_rapl_cap(rapl); }), {self});
}

TEST_CASE("a machine has one lock: its first package, else its first cpufreq policy, else its GPUs",
          "[power][nvml]") {
  FakeMachine m;
  CHECK(machine_lock_file(m.root()).empty());
  put(m.folder / "dev/nvidiactl", "");
  CHECK(machine_lock_file(m.root()) == "/dev/nvidiactl");
  put(m.folder / "sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq", "1\n");
  put(m.folder / "sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq", "1\n");
  CHECK(machine_lock_file(m.root()) == "/sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq");
  one_package(m);
  CHECK(machine_lock_file(m.root()) == "/sys/class/powercap/intel-rapl:0/name");
}

TEST_CASE("nvml cap: SIGKILL at 60 random moments never leaves a limit or a lock behind",
          "[power][nvml][kill]") {
  const FakeGpus g;
  kill_runs(g, g.settings(), 30, 3);
  kill_runs(g, g.clock_settings(), 30, 4);
}

TEST_CASE("nvml caps left behind are restored by restore, and by the next run of any backend",
          "[power][nvml]") {
  const FakeGpus g;
  SystemClock clock;
  const std::string folder = state_folder("", g.root());
  const auto leave = [&](const std::string& root) {
    put(state_path(state_folder("", root)),
        to_json({123,
                 "alert-bench run x.json",
                 "2020-07-15T12:34:56Z",
                 root,
                 {{gpu_limit(FakeGpus::uuid()), 380'000}, {gpu_clocks(FakeGpus::uuid()), 0}}})
            .dump());
    g.set("limit_mw", "150000");
    g.set("lock_mhz", "210 600");
  };
  leave(g.root());
  const auto restore = [&](const std::string& library) {
    return message_of<RunError>([&] { restore_caps(g.root(), folder, library); });
  };
  check_says(restore("libnvidia-absent.so.1"), {"libnvidia-absent.so.1", "not restored"});
  g.set("lost", "1");
  check_says(restore(FakeGpus::library), {"GPU is lost", "power_limit_mw: 380000 not restored"});
  g.remove("lost");
  g.fail("nvmlDeviceResetGpuLockedClocks", unknown_gpu_error);
  check_says(restore(FakeGpus::library), {"locked_clocks", "Unknown Error"});
  CHECK(g.get("limit_mw") == "380000");  // the other one was
  CHECK(std::filesystem::exists(g.state_file()));
  g.work_again("nvmlDeviceResetGpuLockedClocks");
  const RestoreResult r = restore_caps(g.root(), folder, FakeGpus::library);
  CHECK(r.found);
  CHECK(restored_text(r.state, r.state.values[0]) ==
        "power limit of " + FakeGpus::uuid() + " is 380 W again");
  CHECK(restored_text(r.state, r.state.values[1]) == "clocks of " + FakeGpus::uuid() + " are not locked");
  CHECK(g.as_found());

  leave(g.root());
  {
    const auto caps = make_nvml_cap(g.settings(), clock);
    check_says(caps->warnings().at(0), {"process 123", "restored"});
    CHECK(g.as_found());
  }
  const std::string policy = g.root() + "/sys/devices/system/cpu/cpufreq/policy0/";
  for (const auto& [name, khz] : {std::pair{"scaling_max_freq", "2000000"},
                                  {"scaling_min_freq", "600000"},
                                  {"cpuinfo_max_freq", "2000000"}})
    put(policy + name, std::string(khz) + "\n");
  CpufreqCapSettings processor;
  processor.root = g.root();
  processor.caps_w = {50};
  processor.frequencies = FrequencyTable({{50, 1000}}, "table");
  processor.nvml_library = "libnvidia-absent.so.1";
  leave(g.root());
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(processor); }),
             {"process 123", g.state_file(), "alert-bench restore"});
  processor.nvml_library = FakeGpus::library;
  check_says(make_cpufreq_cap(processor)->warnings().at(0), {"process 123", "restored"});
  CHECK(g.as_found());
}

TEST_CASE("nvml cap: a limit other than the default is told, and restored all the same", "[power][nvml]") {
  const FakeGpus g;
  g.set("default_mw", "400000");
  SystemClock clock;
  const auto caps = make_nvml_cap(g.settings(), clock);
  check_says(caps->warnings().at(0), {"380 W", "default of 400 W", "restored"});
}

TEST_CASE("a state file names GPUs by their UUID, and no value but those of caps", "[power][nvml]") {
  CHECK(cap_file(gpu_limit(FakeGpus::uuid())));
  CHECK(cap_file(gpu_clocks(FakeGpus::uuid())));
  const std::string gpu = "nvml/" + FakeGpus::uuid();
  for (const std::string& file : {gpu + "/ecc", "/" + gpu + "/power_limit_mw", gpu + "/../power_limit_mw",
                                  gpu + "/power_limit_mw/x", std::string("nvml/GPU-0/power_limit_mw"),
                                  "nvml/MIG-" + FakeGpus::uuid().substr(4) + "/power_limit_mw"})
    CHECK_FALSE(cap_file(file));
  const TemporaryFile locked(to_json({1, "x", "now", "", {{gpu_clocks(FakeGpus::uuid()), 600}}}).dump());
  check_says(message_of([&] { read_cap_state(locked.path); }), {locked.path, "600", "not locked again"});
}

TEST_CASE("nvml energy: the GPU's own counter", "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  const auto counter = make_nvml_counter(FakeGpus::library, "", clock);
  CHECK(counter->source() == "nvml");
  CHECK(counter->refresh_interval_s() == Approx(0.02).margin(0.002));
  REQUIRE(counter->domains().size() == 1);
  CHECK(counter->domains()[0].resolution_j == 1e-3);
  CHECK(counter->domains()[0].capped);
  check_says(counter->description(),
             {"energy counter", "Fake A100", FakeGpus::uuid(), "processor not included", "20 ms"});
  CHECK(counter->sample_interval_s() == 1);
  const EnergyReading from = *counter->read();
  clock.advance(2);
  const EnergyReading to = *counter->read();
  CHECK(to.total_j - from.total_j == Approx(600).margin(7));
  CHECK(to.at_s - from.at_s == Approx(2));
  CHECK(counter->problems().empty());
}

TEST_CASE("nvml energy: a limit lowers the power that the counter shows", "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  const auto counter = make_nvml_counter(FakeGpus::library, "", clock);
  const auto caps = make_nvml_cap(g.settings(), clock);
  for (const auto& [cap_w, drawn_w] : {std::pair{400.0, 300.0}, {150.0, 150.0}}) {
    caps->set(cap_w);
    const EnergyReading from = *counter->read();
    clock.advance(1);
    CHECK(counter->read()->total_j - from.total_j == Approx(drawn_w).epsilon(0.05));
  }
}

TEST_CASE("nvml energy: sampled power where there is no counter", "[power][nvml]") {
  const FakeGpus g;
  g.remove("energy_mj");
  GpuClock clock(g);
  const auto counter = make_nvml_counter(FakeGpus::library, "", clock);
  CHECK(counter->source() == "nvml");
  check_says(counter->description(), {"power readings", "integrated", "assumed"});
  const EnergyReading from = *counter->read();
  for (int i = 0; i < 100; ++i) {
    g.set("power_mw", std::to_string(200'000 + 1000 * i));
    clock.advance(0.01);
    counter->sample();
  }
  CHECK(counter->read()->total_j - from.total_j == Approx(249.5).epsilon(0.02));
  g.fail("nvmlDeviceGetPowerUsage", not_supported);
  check_says(message_of<EnvironmentError>([&] { make_nvml_counter(FakeGpus::library, "", clock); }),
             {"nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage: Not Supported", "emulated"});
}

TEST_CASE("nvml energy: faults are told once, and cost only the windows they touch", "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  const auto counter = make_nvml_counter(FakeGpus::library, "", clock);
  REQUIRE(counter->read());
  const auto good_again = [&] {
    clock.advance(0.1);
    const auto from = counter->read();
    clock.advance(1);
    const auto to = counter->read();
    REQUIRE((from && to));
    CHECK(to->total_j - from->total_j == Approx(300).margin(10));
  };
  std::vector<std::string> words;
  SECTION("it goes back, as when the driver is loaded anew") {
    g.set("energy_at_ns", std::to_string(static_cast<int64_t>(clock.now_s() * 1e9)));
    g.set("energy_mj", "7");
    counter->sample();
    CHECK_FALSE(counter->read());
    good_again();
    words = {"jumped back", "to 0.007 J"};
  }
  SECTION("it stands still") {
    g.set("refresh_ms", "1000000000");
    g.set("energy_mj", "9000000");
    CHECK(counter->read());
    clock.advance(2.5);
    CHECK_FALSE(counter->read());
    clock.advance(1);
    CHECK_FALSE(counter->read());
    g.remove("refresh_ms");
    good_again();
    words = {"stands still at 9000"};
  }
  SECTION("the GPU is lost") {
    g.set("lost", "1");
    clock.advance(0.1);
    CHECK_FALSE(counter->read());
    CHECK_FALSE(counter->read());
    g.remove("lost");
    good_again();
    words = {"can no longer be read", "nvmlDeviceGetTotalEnergyConsumption: GPU is lost (15)"};
  }
  REQUIRE(counter->problems().size() == 1);
  words.push_back("energy of GPU Fake A100");
  check_says(counter->problems()[0], words);
}

TEST_CASE("nvml energy: a counter that never moves is none", "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  g.set("refresh_ms", "1000000000");
  check_says(message_of<EnvironmentError>([&] { make_nvml_counter(FakeGpus::library, "", clock); }),
             {"stands still at 5000 J"});
}

TEST_CASE("backends: which GPU is CUDA's first is told where it is in doubt", "[power][nvml]") {
  const FakeGpus g(2);
  GpuClock clock(g);
  g.set("name", "Fake T4", 1);
  check_says(open_power(request_for(g, "nvml", "cuda"), clock).notes.at(0),
             {"several kinds", "power.gpu", "CUDA_DEVICE_ORDER"});
  PowerRequest second = request_for(g, "nvml", "cuda");
  second.gpu = "1";
  second.cuda_bus_id = "0000:30:00.0";
  check_says(message_of<EnvironmentError>([&] { open_power(second, clock); }),
             {"power.gpu \"1\"", "networks run on " + FakeGpus::uuid(0), "0000:30:00.0",
              "CUDA_VISIBLE_DEVICES=" + FakeGpus::uuid(1)});
  second.cuda_bus_id = "0000:31:00.0";
  open_power(second, clock);
  second.gpu.clear();  // found by CUDA's word
  const PowerBackend power = open_power(second, clock);
  CHECK(power.notes.empty());
  power.caps->set(150);
  CHECK(content_of(g.file("limit_mw", 1)) == "150000\n");
  CHECK(g.as_found());
}

TEST_CASE("backends: nvml as asked for, with one cap where it can only measure, by auto on a GPU alone",
          "[power][nvml]") {
  const FakeGpus g;
  GpuClock clock(g);
  {
    const PowerBackend power = open_power(request_for(g, "nvml", "cuda"), clock);
    CHECK(power.caps->backend() == "nvml");
    CHECK(power.energy_source() == "nvml");
    CHECK(power.notes.empty());
    CHECK_THROWS_AS(open_power(request_for(g, "auto", "cuda"), clock),
                    CapsTaken);  // no quiet change of backend
  }
  check_says(open_power(request_for(g, "nvml", "cpu"), clock).notes.at(0), {"run on the processor"});
  {
    const PowerBackend power = open_power(request_for(g, "auto", "cuda"), clock);
    CHECK(power.caps->backend() == "nvml");
    check_says(power.notes.at(0), {"auto is nvml"});
    power.caps->set(150);
    CHECK(g.get("limit_mw") == "150000");
  }
  CHECK(g.as_found());
  CHECK(open_power(request_for(g, "auto", "cpu"), clock).caps->backend() ==
        "emulated");  // says nothing about a processor
  PowerRequest narrow = request_for(g, "auto", "cuda");
  narrow.caps_w = {50, 250};
  check_says(open_power(narrow, clock).notes.at(0), {"auto is emulated", "100 to 400 W"});

  g.fail("nvmlDeviceSetPowerManagementLimit", no_permission);
  check_says(open_power(request_for(g, "auto", "cuda"), clock).notes.at(0),
             {"auto is emulated", "Insufficient Permissions"});
  CHECK_THROWS_AS(open_power(request_for(g, "nvml", "cuda"), clock), CannotCap);
  PowerRequest one = request_for(g, "nvml", "cuda");
  one.caps_w = {400};
  {
    const PowerBackend power = open_power(one, clock);
    CHECK(power.caps->backend() == "nvml");
    CHECK(power.energy_source() == "nvml");
    check_says(power.notes.at(0), {"uncapped", "Insufficient Permissions"});
    power.caps->set(400);
    CHECK(g.as_found());
  }
  PowerRequest absent = request_for(g, "auto", "cuda");
  absent.nvml_library = "libnvidia-absent.so.1";
  check_says(open_power(absent, clock).notes.at(0), {"auto is emulated", "libnvidia-absent.so.1"});
  absent.backend = "nvml";
  CHECK_THROWS_AS(open_power(absent, clock), EnvironmentError);
}
