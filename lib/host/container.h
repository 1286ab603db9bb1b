// Whether this process runs in a container, and what of the machine it does not see there. A result that
// lacks what is hidden looks like one of a machine that does not have it.
#pragma once

#include <cstdlib>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace alertbench {

struct Container {
  std::string kind;  // "docker", "podman", "lxc", "systemd-nspawn", "kubernetes", or as it calls itself
  bool hides_processes = false;  // those outside
  bool hides_powercap = false;   // the machine has power zones, but their files are masked
  bool hides_caps = false;       // which other runs changed: its /run/alert-bench is not the machine's
};

// nullopt outside. `root` is the folder that contains /proc, /run and /sys; `variable` is the environment
// variable by which some containers tell their kind, or null.
std::optional<Container> find_container(const std::string& root = "",
                                        const char* variable = std::getenv("container"));

// What is hidden, as text; empty if nothing is.
std::vector<std::string> hidden_by(const Container& container);
// The options that start such a container with the machine's power zones and caps below /host, where
// `power.root` and --root find them, and with its processes.
std::string options_to_see_all(const Container& container);

}  // namespace alertbench
