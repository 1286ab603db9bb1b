// Caps by frequency and energy by sensors, on made-up boards.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "fake_powercap.h"
#include "killed_child.h"
#include "power/backend.h"
#include "power/cpufreq/cpufreq.h"
#include "power/cpufreq/sensors.h"
#include "power/guard/cap_guard.h"

using namespace alertbench;

namespace {

struct Board {
  explicit Board(const char* cpuinfo = "processor\t: 0\n") { put(folder / "proc/cpuinfo", cpuinfo); }
  std::string policy(int n, const std::string& name) const {
    return folder / ("sys/devices/system/cpu/cpufreq/policy" + std::to_string(n) + "/" + name);
  }
  void add_policy(int n, const std::string& cpus, const std::string& frequencies, int min_khz, int max_khz,
                  const char* driver = "cpufreq-dt") {
    put(policy(n, "related_cpus"), cpus + "\n");
    put(policy(n, "scaling_driver"), std::string(driver) + "\n");
    if (!frequencies.empty()) put(policy(n, "scaling_available_frequencies"), frequencies + " \n");
    put(policy(n, "scaling_min_freq"), std::to_string(min_khz) + "\n");
    put(policy(n, "scaling_max_freq"), std::to_string(max_khz) + "\n");
    put(policy(n, "cpuinfo_max_freq"), std::to_string(max_khz) + "\n");
  }
  std::string max_of(int n) const {
    std::string text = content_of(policy(n, "scaling_max_freq"));
    return text.substr(0, text.find('\n'));
  }
  void sensor(const std::string& address, const std::string& watts, const std::string& enable = "1") const {
    put(folder / ("sys/bus/i2c/drivers/INA231/" + address + "/sensor_W"), watts + "\n");
    put(folder / ("sys/bus/i2c/drivers/INA231/" + address + "/enable"), enable + "\n");
  }
  void hwmon(const std::string& chip, const std::string& name, const std::string& content) const {
    put(folder / ("sys/class/hwmon/" + chip + "/" + name), content + "\n");
  }
  const std::string& root() const { return folder.path; }
  Folder folder;
};

// Two clusters and INA231 sensors, as the vendor's kernel shows them.
struct Odroid : Board {
  Odroid() {
    add_policy(0, "0 1 2 3", "200000 600000 1000000 1400000", 200000, 1400000);
    add_policy(4, "4 5 6 7", "200000 1000000 1400000 1800000 2000000", 200000, 2000000);
    sensor("4-0040", "3.5");
    sensor("4-0041", "0.1");
    sensor("4-0044", "0.2");
    sensor("4-0045", "0.5");
  }
};

CpufreqCapSettings settings_for(const Board& b) {
  CpufreqCapSettings s;
  s.root = b.root();
  s.caps_w = {6, 8, 12};
  s.frequencies = FrequencyTable({{5, 600}, {6, 1000}, {8, 1500}, {12, 2000}}, "table");
  return s;
}

class BoardClock : public Clock {
 public:
  double now_s() override { return time_s; }
  double processor_s() override { return time_s; }
  void sleep_until(double t) override {
    while (time_s < t) {
      time_s = std::min(t, time_s + 1e-3);
      if (each_ms) each_ms();
    }
  }
  double time_s = 50;
  std::function<void()> each_ms;
};

}  // namespace

TEST_CASE("cpufreq: each policy gets the highest frequency within the cap, and its own back",
          "[power][cpufreq]") {
  Odroid b;
  {
    const auto caps = make_cpufreq_cap(settings_for(b));
    CHECK(caps->backend() == "cpufreq");
    CHECK(caps->emulated_speed() == 1.0);
    CHECK(b.max_of(4) == "2000000");  // nothing yet, but the state is on disk
    CHECK(read_cap_state(b.folder / "run/alert-bench/power-caps.json").values.size() == 2);
    caps->set(6);
    CHECK(b.max_of(0) == "1000000");
    CHECK(b.max_of(4) == "1000000");
    caps->set(8);  // 1500 MHz: neither has it
    CHECK(b.max_of(0) == "1400000");
    CHECK(b.max_of(4) == "1400000");
    caps->set(12);
    CHECK(b.max_of(0) == "1400000");
    CHECK(b.max_of(4) == "2000000");
    CHECK(caps->facts()["policies"][1]["khz_by_cap"] ==
          nlohmann::ordered_json::array({1000000, 1400000, 2000000}));
    caps->set(6);
    put(b.policy(4, "scaling_max_freq"), "1800000\n");
    check_says(message_of<RunError>([&] { caps->set(6); }), {"policy4", "1800000", "another program"});
    const auto second = message_of<EnvironmentError>([&] { make_cpufreq_cap(settings_for(b)); });
    check_says(second, {"process " + std::to_string(getpid())});
    auto other = settings_for(b);
    other.policies = {4};  // another file, the same machine
    CHECK_THROWS_AS(make_cpufreq_cap(other), CapsTaken);
    CHECK_THROWS_AS(restore_caps(b.root(), state_folder("", b.root())), CapsTaken);
  }
  CHECK(b.max_of(0) == "1400000");
  CHECK(b.max_of(4) == "2000000");
}

TEST_CASE("cpufreq: what cannot be is told before anything is changed", "[power][cpufreq]") {
  Odroid b;
  auto s = settings_for(b);
  s.caps_w = {4, 8};
  check_says(message_of([&] { make_cpufreq_cap(s); }), {"4 W", "table"});
  s = settings_for(b);
  s.frequencies = {};
  check_says(message_of([&] { make_cpufreq_cap(s); }), {"frequency_table", "cap_w"});
  s = settings_for(b);
  s.policies = {0, 7};
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(s); }), {"policy7", "does not exist"});
  put(b.policy(4, "scaling_min_freq"), "1400000\n");
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(settings_for(b)); }),
             {"1000000 kHz", "policy 4", "scaling_min_freq"});
  chmod(b.policy(0, "scaling_max_freq").c_str(), 0444);
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(settings_for(b)); }),
             {"policy0/scaling_max_freq", "read-only"});
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(settings_for(Board())); }), {"no cpufreq"});
  CHECK_FALSE(std::filesystem::exists(b.folder / "run/alert-bench/power-caps.json"));
}

TEST_CASE("cpufreq: a frequency that does not stick is an error, and what was there comes back",
          "[power][cpufreq]") {
  Odroid b;
  auto s = settings_for(b);
  s.after_write = [](const std::string& file) { put(file, "1900000\n"); };
  check_says(message_of<EnvironmentError>([&] { make_cpufreq_cap(s)->set(6); }),
             {"reads 1900000 kHz after 1000000", "does not stick"});
  CHECK(b.max_of(4) == "2000000");
}

TEST_CASE("cpufreq: SIGKILL at random moments never leaves a frequency behind", "[power][cpufreq][kill]") {
  Odroid b;
  Random random(5);
  int changed = 0;
  for (int i = 0; i < 60; ++i) {
    Random own(static_cast<uint64_t>(i));
    run_and_kill(
        [&](auto step) {
          const auto caps = make_cpufreq_cap(settings_for(b));
          for (int k = 0; k < 20; ++k) {
            caps->set(std::vector<double>{6, 8, 12}[own.below(3)]);
            step();
          }
        },
        random.uniform(0, 25e-3), i % 2 == 1);
    changed += b.max_of(4) != "2000000" || b.max_of(0) != "1400000";
    const int lock = open(b.policy(0, "scaling_max_freq").c_str(), O_RDONLY | O_CLOEXEC);
    for (int wait = 0; flock(lock, LOCK_EX | LOCK_NB) != 0 && wait < 20'000; ++wait) usleep(1000);
    close(lock);
    REQUIRE(b.max_of(0) == "1400000");
    REQUIRE(b.max_of(4) == "2000000");
  }
  CHECK(changed > 0);
}

TEST_CASE("cpufreq: restore accepts highest frequencies, and no other file of cpufreq", "[power][cpufreq]") {
  CHECK(cap_file("/sys/devices/system/cpu/cpufreq/policy12/scaling_max_freq"));
  CHECK_FALSE(cap_file("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor"));
  CHECK_FALSE(cap_file("/sys/devices/system/cpu/cpufreq/policy0/../../scaling_max_freq"));
}

TEST_CASE("sensors: a board's clusters add up, integrated over time", "[power][sensors]") {
  Odroid b;
  BoardClock clock;
  double watts = 3.5;
  int ms = 0;
  clock.each_ms = [&] {
    // A ramp from 3 to 5 W a second, shown every 20 ms.
    watts = 3 + 2 * std::fmod(clock.time_s, 1.0);
    if (++ms % 20 == 0) b.sensor("4-0040", std::to_string(watts));
  };
  const auto counter = make_sensor_counter(b.root(), {}, clock);
  CHECK(counter->source() == "sensor");
  CHECK(counter->refresh_interval_s() == Approx(0.02).margin(0.003));
  REQUIRE(counter->domains().size() == 2);
  CHECK(counter->domains()[0].name == "sensor_A15");
  CHECK(counter->domains()[1].name == "sensor_A7");
  const EnergyReading from = *counter->read();
  for (int i = 0; i < 300; ++i) {
    clock.sleep_until(clock.time_s + 0.01);
    counter->sample();
  }
  const EnergyReading to = *counter->read();
  CHECK(to.at_s - from.at_s == Approx(3.0));
  CHECK(to.total_j - from.total_j == Approx(3 * (4 + 0.5)).epsilon(0.02));
  std::filesystem::remove(b.folder / "sys/bus/i2c/drivers/INA231/4-0045/sensor_W");
  CHECK_FALSE(counter->read());
  CHECK_FALSE(counter->read());
  REQUIRE(counter->problems().size() == 1);
  check_says(counter->problems()[0], {"sensor_A7", "can no longer be read"});
}

TEST_CASE("sensors: names choose, and what does not fit is told with what was found", "[power][sensors]") {
  Odroid b;
  BoardClock clock;
  CHECK(make_sensor_counter(b.root(), {"sensor_mem"}, clock)->domains().size() == 1);
  check_says(message_of<EnvironmentError>([&] { make_sensor_counter(b.root(), {"sensor_A72"}, clock); }),
             {"sensor_A72", "sensor_A15", "sensor_GPU"});
  check_says(message_of<EnvironmentError>([&] { make_sensor_counter(Board().root(), {}, clock); }),
             {"found: none"});
  b.sensor("4-0040", "3.5", "0");
  check_says(probe_sensors(b.root()).problems.at(0), {"sensor_A15", "is switched off", "enable"});
  Board dead;
  dead.sensor("4-0040", "0.000");
  check_says(message_of<EnvironmentError>([&] { make_sensor_counter(dead.root(), {}, clock); }),
             {"always reads 0"});
}

TEST_CASE("sensors: hwmon's energies are counted, sockets before cores; a battery is no processor",
          "[power][sensors]") {
  Board b;
  b.hwmon("hwmon2", "name", "amd_energy");
  for (const auto& [n, label] :
       std::vector<std::pair<int, const char*>>{{1, "Ecore000"}, {2, "Ecore001"}, {3, "Esocket0"}}) {
    b.hwmon("hwmon2", "energy" + std::to_string(n) + "_label", label);
    b.hwmon("hwmon2", "energy" + std::to_string(n) + "_input", "1000000");
  }
  put(b.folder / "sys/class/power_supply/BAT0/type", "Battery\n");
  put(b.folder / "sys/class/power_supply/BAT0/power_now", "8000000\n");
  BoardClock clock;
  double uj = 1e6;
  clock.each_ms = [&] {
    b.hwmon("hwmon2", "energy3_input", std::to_string(static_cast<int64_t>(uj += 50'000)));
  };  // 50 W
  const auto counter = make_sensor_counter(b.root(), {}, clock);
  REQUIRE(counter->domains().size() == 1);
  CHECK(counter->domains()[0].name == "amd_energy/Esocket0");
  const EnergyReading from = *counter->read();
  clock.sleep_until(clock.time_s + 2);
  CHECK(counter->read()->total_j - from.total_j == Approx(100).margin(0.1));
  CHECK(probe_sensors(b.root()).batteries.size() == 1);
  clock.each_ms = nullptr;
  b.hwmon("hwmon2", "energy3_input", "5");
  CHECK_FALSE(counter->read());
  check_says(counter->problems().at(0), {"jumped back"});
}

TEST_CASE("backends: cpufreq with sensors, with AMD's counter, with neither; auto", "[power][cpufreq]") {
  PowerRequest request;
  request.backend = "cpufreq";
  request.caps_w = {6, 8, 12};
  request.frequencies = FrequencyTable({{6, 1000}, {12, 2000}}, "table");
  BoardClock clock;
  {
    Odroid b;
    request.root = b.root();
    CHECK(open_power(request, clock).energy_source() == "sensor");
    request.backend = "auto";
    const PowerBackend power = open_power(request, clock);
    CHECK(power.caps->backend() == "cpufreq");
    check_says(power.notes.at(0), {"auto is cpufreq"});
  }
  {
    FakeMachine amd(true);
    amd.zone("intel-rapl:0", "package-0");
    Board b;
    b.add_policy(0, "0 1", "", 400000, 3500000, "acpi-cpufreq");
    std::filesystem::copy(b.folder / "sys/devices", amd.folder / "sys/devices",
                          std::filesystem::copy_options::recursive);
    double uj = 1e6;
    clock.each_ms = [&] {
      amd.set("intel-rapl:0", "energy_uj", std::to_string(static_cast<int64_t>(uj += 65'000)));
    };
    request.root = amd.root();
    request.backend = "cpufreq";
    PowerBackend power = open_power(request, clock);
    CHECK(power.energy_source() == "rapl");
    CHECK(power.caps->backend() == "cpufreq");
    power.caps->set(6);
    CHECK(content_of(amd.folder / "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq") == "1000000");
    power = PowerBackend();
    clock.each_ms = nullptr;
  }
  {
    Board b;
    b.add_policy(0, "0 1", "", 400000, 3500000);
    request.root = b.root();
    PowerBackend power = open_power(request, clock);
    CHECK(power.energy_source() == "model");
    check_says(power.notes.at(0), {"energy is modelled"});
    request.backend = "auto";
    CHECK(open_power(request, clock).caps->backend() == "emulated");
  }
}
