#include "catch.h"
#include "host/container.h"
#include "support.h"

using namespace alertbench;

namespace {

std::string kind_in(const Folder& machine, const char* variable = nullptr) {
  const auto container = find_container(machine.path, variable);
  return container ? container->kind : "none";
}

}  // namespace

TEST_CASE("containers: by what they leave in /run, /proc, / and the environment", "[container]") {
  const Folder machine;
  put(machine / "proc/1/cgroup", "0::/init.scope\n");
  put(machine / "proc/1/environ", std::string("TERM=linux\0othercontainer=x\0", 28));
  CHECK(kind_in(machine) == "none");
  CHECK(kind_in(machine, "") == "none");
  CHECK(kind_in(machine, "oci") == "oci");
  put(machine / "proc/1/cgroup", "0::/kubepods.slice/pod1\n");
  CHECK(kind_in(machine) == "kubernetes");
  put(machine / "proc/1/cgroup", "4:memory:/docker/0123\n");
  CHECK(kind_in(machine) == "docker");
  put(machine / "run/.containerenv", "");
  CHECK(kind_in(machine) == "podman");
  put(machine / "proc/1/environ", std::string("TERM=linux\0container=lxc\0PATH=/bin\0", 35));
  CHECK(kind_in(machine) == "lxc");
  put(machine / "run/systemd/container", "systemd-nspawn\n");
  CHECK(kind_in(machine, "oci") == "systemd-nspawn");
}

TEST_CASE("containers: what is hidden is told with the options that show it", "[container]") {
  const Folder machine;
  namespace fs = std::filesystem;
  const auto hidden = [&machine] { return hidden_by(*find_container(machine.path, "docker")); };
  fs::create_directories(machine / "proc/self/ns");
  fs::create_symlink("pid:[4026531836]", machine / "proc/self/ns/pid");
  put(machine / "proc/self/mountinfo", "36 35 98:0 / / rw - ext4 /dev/root rw\n");
  CHECK(hidden().size() == 1);
  put(machine / "proc/self/mountinfo", "36 35 0:23 /alert-bench /host/run/alert-bench rw - tmpfs tmpfs rw\n");
  CHECK(hidden().empty());

  fs::remove(machine / "proc/self/ns/pid");
  fs::create_symlink("pid:[4026532252]", machine / "proc/self/ns/pid");
  fs::create_directories(machine / "sys/class/powercap");
  fs::create_directories(machine / "sys/devices/virtual/powercap/intel-rapl");
  fs::create_directory_symlink("../../devices/virtual/powercap/intel-rapl",
                               machine / "sys/class/powercap/intel-rapl");
  REQUIRE(hidden().size() == 1);
  CHECK_THAT(hidden()[0], Catch::Matchers::ContainsSubstring("processes outside"));
  fs::remove(machine / "sys/devices/virtual/powercap/intel-rapl");
  REQUIRE(hidden().size() == 2);
  CHECK_THAT(hidden()[1], Catch::Matchers::ContainsSubstring("RAPL"));

  const auto options = [&machine](const char* kind) {
    return options_to_see_all(*find_container(machine.path, kind));
  };
  for (const char* kind : {"docker", "podman"})
    CHECK_THAT(options(kind), Catch::Matchers::ContainsSubstring(std::string(kind) + " run") &&
                                  Catch::Matchers::ContainsSubstring("-v /sys:/host/sys"));
  CHECK_THAT(options("systemd-nspawn"), Catch::Matchers::ContainsSubstring("--bind=/sys:/host/sys"));
  CHECK_THAT(options("lxc"), Catch::Matchers::ContainsSubstring("below /host"));
}
