// The powercap tree of made-up machines.
#include <sys/stat.h>

#include "base/error.h"
#include "fake_powercap.h"
#include "power/rapl/rapl.h"

using namespace alertbench;

namespace {

std::vector<std::string> ids(const std::vector<const PowercapZone*>& zones) {
  std::vector<std::string> all;
  for (const PowercapZone* z : zones) all.push_back(z->id);
  return all;
}
using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("powercap: one package with DRAM, core and psys", "[power][tree]") {
  FakeMachine m;
  one_package(m);
  const PowercapTree tree = read_powercap_tree(m.root());
  CHECK_FALSE(tree.amd);
  REQUIRE(tree.zones.size() == 4);
  CHECK(ids(tree.packages()) == Ids{"intel-rapl:0"});
  CHECK(ids(tree.energy_domains()) ==
        Ids{"intel-rapl:0", "intel-rapl:0:1"});  // neither core nor psys a second time
  const PowercapZone& z = tree.zones[0];
  CHECK(z.package == 0);
  CHECK_FALSE(z.die);
  CHECK(z.enabled == true);
  CHECK(z.energy_uj == 1000u);
  CHECK(z.max_energy_range_uj == FakeMachine::server_range_uj);
  REQUIRE(z.constraint("short_term"));
  CHECK(z.constraint("short_term")->power_limit_uw == 156'250'000u);
  CHECK(z.constraint("long_term")->time_window_us == 999424u);
  CHECK(z.constraint("long_term")->sane_max_w() == 125.0);
  CHECK_FALSE(z.constraint("peak_power"));
  CHECK(z.problems.empty());
  const RaplProbe probe = probe_rapl(m.root());
  CHECK((probe.no_caps.empty() && probe.no_energy.empty() && probe.remedies.empty()));
}

TEST_CASE("powercap: packages by name, zones sorted by number, dies each for itself", "[power][tree]") {
  FakeMachine m;
  two_packages(m);
  m.zone("intel-rapl:10", "psys");
  m.zone("intel-rapl:2", "package-2-die-0");
  m.zone("intel-rapl:3", "package-2-die-1");
  m.zone("intel-rapl:3:0", "dram");
  m.zone("dtpm:0", "package-9");  // not ours
  const PowercapTree tree = read_powercap_tree(m.root());
  CHECK(ids(tree.packages()) == Ids{"intel-rapl:0", "intel-rapl:1", "intel-rapl:2", "intel-rapl:3"});
  CHECK(ids(tree.energy_domains()) == Ids{"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl:1:0",
                                          "intel-rapl:2", "intel-rapl:3", "intel-rapl:3:0"});
  CHECK(tree.zones.back().id == "intel-rapl:10");
  CHECK(tree.packages()[3]->package == 2);
  CHECK(tree.packages()[3]->die == 1);
  CHECK(tree.packages()[0]->name == "package-1");
}

TEST_CASE("powercap: the limits in memory are no package, but known", "[power][tree]") {
  FakeMachine m;
  one_package(m);
  m.zone("intel-rapl-mmio:0", "package-0");
  m.limits("intel-rapl-mmio:0", 15, 25, 15);
  const PowercapTree tree = read_powercap_tree(m.root());
  CHECK(ids(tree.packages()) == Ids{"intel-rapl:0"});
  CHECK(ids(tree.energy_domains()) == Ids{"intel-rapl:0", "intel-rapl:0:1"});
  REQUIRE(tree.mmio_twin(*tree.packages()[0]));
  CHECK(tree.mmio_twin(*tree.packages()[0])->id == "intel-rapl-mmio:0");
}

TEST_CASE("powercap: AMD has energy and nothing to cap; its dies show the package's counter",
          "[power][tree]") {
  FakeMachine m(true);
  for (int die : {0, 1}) {
    const std::string id = "intel-rapl:" + std::to_string(die);
    m.zone(id, "package-0-die-" + std::to_string(die));
    m.zone(id + ":0", "core");
  }
  const RaplProbe probe = probe_rapl(m.root());
  CHECK(probe.tree.amd);
  CHECK(ids(probe.tree.energy_domains()) == Ids{"intel-rapl:0"});
  CHECK(probe.no_energy.empty());
  REQUIRE(probe.no_caps.size() == 2);
  check_says(probe.no_caps[0], {"intel-rapl:0", "AMD", "not cap it"});
}

TEST_CASE("powercap: what is missing or cannot be read is told, and the rest is read", "[power][tree]") {
  FakeMachine m;
  two_packages(m);
  m.spoil("intel-rapl:0", "energy_uj");
  std::filesystem::remove(m.file("intel-rapl:1", "max_energy_range_uj"));
  m.set("intel-rapl:1", "energy_uj", "many");
  m.set("intel-rapl:1", "constraint_0_max_power_uw", "0");
  m.set("intel-rapl:0", "constraint_0_max_power_uw", "4294967295000000");
  std::filesystem::remove(m.file("intel-rapl:0:0", "name"));
  const RaplProbe probe = probe_rapl(m.root());
  const auto& zones = probe.tree.zones;
  REQUIRE(zones.size() == 4);
  CHECK_FALSE(zones[0].energy_uj);
  REQUIRE(zones[0].problems.size() == 1);
  check_says(zones[0].problems[0], {"/sys/class/powercap/intel-rapl:0/energy_uj", "Is a directory"});
  CHECK(zones[1].kind == PowercapKind::other);
  REQUIRE(zones[2].problems.size() == 2);
  check_says(zones[2].problems[0], {"\"many\"", "not a non-negative integer"});
  CHECK_FALSE(zones[0].constraint("long_term")->sane_max_w());
  CHECK_FALSE(zones[2].constraint("long_term")->sane_max_w());
  CHECK(probe.no_energy.size() == 2);
  CHECK(probe.no_caps.empty());
}

TEST_CASE("powercap: read-only limits and a machine without any zone", "[power][tree]") {
  FakeMachine m;
  one_package(m);
  chmod(m.file("intel-rapl:0", "constraint_1_power_limit_uw").c_str(), 0444);
  RaplProbe probe = probe_rapl(m.root());
  REQUIRE(probe.no_caps.size() == 1);
  check_says(probe.no_caps[0], {"constraint_1_power_limit_uw", "read-only"});
  CHECK(probe.remedies.empty());  // no permission would help

  const Folder bare;
  probe = probe_rapl(bare.path);
  REQUIRE(probe.no_caps.size() == 1);
  check_says(probe.no_caps[0], {"no package zone", "/sys/class/powercap", "No such file"});
  CHECK(probe.no_energy == probe.no_caps);
}

TEST_CASE("powercap: a user without permission is given the commands that remedy it", "[power][tree]") {
  if (geteuid() != 0) return;  // root only can be somebody else
  FakeMachine m;
  one_package(m);
  chmod(m.root().c_str(), 0755);
  chmod(m.file("intel-rapl:0", "energy_uj").c_str(), 0400);
  // access() looks at the real user, open() at the effective one.
  REQUIRE(setresuid(65534, 65534, 0) == 0);
  const RaplProbe probe = probe_rapl(m.root());
  const std::string why = message_of<EnvironmentError>([&] {
    make_rapl_cap({m.root(), m.folder / "state", {50}, {}});
  });
  REQUIRE(setresuid(0, 0, 0) == 0);
  REQUIRE(probe.no_caps.size() == 2);
  REQUIRE(probe.no_energy.size() == 1);
  check_says(probe.no_energy[0], {"intel-rapl:0/energy_uj", "Permission denied"});
  REQUIRE(probe.remedies.size() == 4);
  check_says(probe.remedies[2], {"/etc/udev/rules.d/", "SUBSYSTEM==\"powercap\"", "g+w", "/sys%p"});
  check_says(why, {"constraint_0_power_limit_uw: Permission denied", "sudo groupadd", "udevadm trigger"});
}
