#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/machine_use.h"
#include "support.h"

using namespace alertbench;

namespace {

MachineUse at(double time_s, double busy_s, double own_s, double steal_s = 0) {
  MachineUse u;
  u.at_s = time_s;
  u.processors = 2;
  u.busy_s = busy_s;
  u.own_s = own_s;
  u.steal_s = steal_s;
  return u;
}

}  // namespace

TEST_CASE("noise: what others used is the rest", "[noise]") {
  MachineUse before = at(100, 50, 20, 1), after = at(110, 66, 30, 1.5);
  before.others[7] = {"cc1plus", 1.0};
  after.others[7] = {"cc1plus", 6.0};
  after.others[8] = {"cron", 0.01};
  const Disturbance d = between(before, after);
  CHECK(*d.foreign_share == Approx(0.3));  // 6 of 20 s
  CHECK(*d.steal_share == Approx(0.025));
  CHECK(d.busiest == std::vector<std::string>{"cc1plus (process 7): 50 %"});
  CHECK_FALSE(d.throttle_events);
  const auto warnings = noise_warnings(d);
  REQUIRE(warnings.size() == 2);
  check_says(warnings[0], {"30 %", "cc1plus"});
  check_says(warnings[1], {"2.5 %", "steal"});
  CHECK(to_json(d)["throttle_events"].is_null());
}

TEST_CASE("noise: what is not known is empty, and short looks say nothing", "[noise]") {
  CHECK_FALSE(between(at(0, 1, 1), at(0.1, 2, 1)).foreign_share);
  MachineUse unknown = at(10, 0, 0);
  unknown.busy_s.reset();
  unknown.steal_s.reset();
  const Disturbance d = between(at(0, 0, 0), unknown);
  CHECK_FALSE(d.foreign_share);
  CHECK_FALSE(d.steal_share);
  CHECK(noise_warnings(d).empty());
  CHECK(noise_warnings(between(at(0, 1, 1), at(10, 2, 2))).empty());
}

TEST_CASE("noise: sleep of the machine and heat are noticed", "[noise]") {
  MachineUse before = at(0, 0, 0), after = at(10, 0, 0);
  before.suspended_s = 3;
  after.suspended_s = 8;
  before.throttle_events = 4;
  after.throttle_events = 9;
  const Disturbance d = between(before, after);
  CHECK(d.suspended_s == Approx(5));
  CHECK(*d.throttle_events == 5);
  check_says(noise_warnings(d).at(0), {"5 times"});
}

TEST_CASE("noise: a wall clock that was set is noticed, one that is slewed is not", "[noise]") {
  MachineUse before = at(0, 0, 0), after = at(10, 0, 0);
  before.booted_at_s = 1'700'000'000;
  after.booted_at_s = before.booted_at_s + 0.4;
  CHECK(noise_warnings(between(before, after)).empty());
  after.booted_at_s = before.booted_at_s - 3600;
  const Disturbance d = between(before, after);
  CHECK(d.clock_step_s == Approx(-3600));
  check_says(noise_warnings(d).at(0), {"set back by 3600.0 s"});
}

TEST_CASE("noise: a container that its CPU quota stopped is no quiet one", "[noise]") {
  MachineUse before = at(0, 0, 0), after = at(6, 0, 0);
  CHECK_FALSE(between(before, after).quota_throttled_periods);
  before.cgroup = {0.5, 10, 1.0, {}, {}};
  after.cgroup = {0.5, 10, 1.0, {}, {}};
  CHECK(noise_warnings(between(before, after)).empty());
  after.cgroup.throttled_periods = 62;
  after.cgroup.throttled_s = 1.81;
  const Disturbance d = between(before, after);
  check_says(noise_warnings(d).at(0), {"0.5 processors", "52 periods", "0.81 s", "6.0 s", "limits.cpu"});
  CHECK(to_json(d)["quota_throttled_periods"] == 52);
  CHECK(to_json(between(at(0, 0, 0), at(6, 0, 0)))["cpu_quota"].is_null());
  check_says(quota_warnings(after.cgroup, 1).at(0), {"0.5 processors", "fewer than the 1"});
  CHECK(quota_warnings({2.0, 0, 0.0, {}, {}}, 2).empty());
  CHECK(quota_warnings({}, 64).empty());
}

TEST_CASE("noise: read from a tree", "[noise]") {
  Folder root;
  put(root / "proc/stat", "cpu  100 0 100 900 0 0 0 50 0 0\n");
  put(root / "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n");
  put(root / "sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count", "4\n");
  put(root / "sys/class/hwmon/hwmon0/name", "nvme\n");
  put(root / "sys/class/hwmon/hwmon0/temp1_input", "99000\n");
  put(root / "sys/class/hwmon/hwmon1/name", "coretemp\n");
  put(root / "sys/class/hwmon/hwmon1/temp1_input", "61000\n");
  put(root / "sys/class/hwmon/hwmon1/temp1_max", "100000\n");
  put(root / "sys/class/hwmon/hwmon1/temp2_input", "97000\n");
  put(root / "sys/class/hwmon/hwmon1/temp2_max", "100000\n");
  const MachineUse use = read_machine_use(root.path);
  CHECK(*use.busy_s == Approx(2.0));
  CHECK(*use.steal_s == Approx(0.5));
  CHECK(*use.throttle_events == 7);
  const Host host = read_host(root.path);
  CHECK(*host.temperature_c == Approx(97));
  CHECK(*host.temperature_limit_c == Approx(100));
  check_says(noise_warnings(host).at(0), {"97", "100"});
  put(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  check_says(noise_warnings(read_host(root.path)).at(0), {"powersave", "performance"});
}

TEST_CASE("noise: this process's own work is not another's", "[noise]") {
  const MachineUse before = read_machine_use();
  if (!before.busy_s) return;
  volatile double x = 1;
  for (int i = 0; i < 100'000'000; ++i) x = x * 1.0000001;
  const MachineUse after = read_machine_use();
  CHECK(after.own_s > before.own_s);
  CHECK(after.others.count(getpid()) == 0);
}
