#include "host/container.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/console.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

// The kernel's number of the process namespace that is not in another one.
constexpr const char* outermost_processes = "pid:[4026531836]";

struct ContainerMark {
  const char* text;
  const char* kind;
};
constexpr ContainerMark mark_files[] = {{"/run/.containerenv", "podman"},
                                        {"/var/run/secrets/kubernetes.io", "kubernetes"},
                                        {"/.dockerenv", "docker"}};
constexpr ContainerMark group_names[] = {
    {"/libpod", "podman"}, {"/kubepods", "kubernetes"}, {"/docker", "docker"}, {"/lxc", "lxc"}};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string line_of(const std::string& text) { return printable(text.substr(0, text.find('\n'))); }

std::string kind_of(const std::string& root, const char* variable) {
  if (const std::string told = line_of(content(root + "/run/systemd/container")); !told.empty()) return told;
  // Of the first process, whose variables are separated by zeros.
  const std::string first = '\0' + content(root + "/proc/1/environ"), key = std::string("\0container=", 11);
  if (const size_t at = first.find(key); at != std::string::npos)
    return printable(std::string(first.c_str() + at + key.size()));
  if (variable && *variable) return printable(variable);
  std::error_code ignored;
  for (const ContainerMark& mark : mark_files)
    if (fs::exists(root + mark.text, ignored)) return mark.kind;
  const std::string groups = content(root + "/proc/1/cgroup");
  for (const ContainerMark& name : group_names)
    if (groups.find(name.text) != std::string::npos) return name.kind;
  return "";
}

// Zones are links into /sys/devices/virtual/powercap, which Docker and others cover with an empty folder.
bool has_dangling_zones(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored) && !fs::exists(entry->path(), ignored)) return true;
  }
  return false;
}

}  // namespace

std::optional<Container> find_container(const std::string& root, const char* variable) {
  Container found;
  found.kind = kind_of(root, variable);
  if (found.kind.empty()) return {};
  std::error_code error;
  const fs::path processes = fs::read_symlink(root + "/proc/self/ns/pid", error);
  found.hides_processes = !error && processes != outermost_processes;
  found.hides_powercap = has_dangling_zones(root + "/sys/class/powercap");
  found.hides_caps = content(root + "/proc/self/mountinfo").find("/run/alert-bench ") == std::string::npos;
  return found;
}

std::vector<std::string> hidden_by(const Container& container) {
  std::vector<std::string> hidden;
  if (container.hides_processes)
    hidden.emplace_back("processes outside: their load is seen, but not whose it is");
  if (container.hides_powercap) hidden.emplace_back("the processor's power caps and energy counters (RAPL)");
  if (container.hides_caps)
    hidden.emplace_back(
        "caps that runs outside have changed, so that they are neither respected nor restored");
  return hidden;
}

std::string options_to_see_all(const Container& container) {
  if (container.kind == "docker" || container.kind == "podman")
    return fmt::format(
        "{} run --pid=host -v /sys:/host/sys -v /proc/cpuinfo:/host/proc/cpuinfo:ro "
        "-v /run/alert-bench:/host/run/alert-bench ...",
        container.kind);
  if (container.kind == "systemd-nspawn")
    return "systemd-nspawn --bind=/sys:/host/sys --bind-ro=/proc/cpuinfo:/host/proc/cpuinfo "
           "--bind=/run/alert-bench:/host/run/alert-bench ...";
  return "mount the machine's /sys, /proc/cpuinfo and /run/alert-bench below /host";
}

}  // namespace alertbench
