#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

namespace alertbench {
namespace {

constexpr int64_t no_limit_v1 = int64_t{1} << 60;  // version 1 shows "none" as a number near the largest

// A hierarchy as it is mounted here.
struct Mount {
  std::string group, point;  // the group that is seen at `point`
  bool v2 = false;
  std::set<std::string> controllers;  // version 1
};

std::set<std::string> split(const std::string& text, char separator) {
  std::set<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, separator);) words.insert(word);
  return words;
}

std::vector<Mount> cgroup_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id, parent, device, group, point, word, type, source, options;
    words >> id >> parent >> device >> group >> point;
    while (words >> word && word != "-") {
    }
    words >> type >> source >> options;
    if (type != "cgroup" && type != "cgroup2") continue;
    mounts.push_back({group, root + point, type == "cgroup2", split(options, ',')});
  }
  return mounts;
}

// Folders of the process's group in the hierarchy of `controller`, and of those above it, as far as they are
// mounted.
std::vector<std::string> folders_of(const std::string& controller, bool v2, const std::vector<Mount>& mounts,
                                    const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  std::string group;
  for (std::string line; group.empty() && std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (v2 ? names.empty() && line.rfind("0:", 0) == 0 : split(names, ',').count(controller) > 0)
      group = line.substr(second + 1);
  }
  std::vector<std::string> folders;
  if (group.empty()) return folders;
  for (const Mount& m : mounts) {
    if (m.v2 != v2 || (!v2 && m.controllers.count(controller) == 0)) continue;
    // In a container the mount often shows the process's own group as its top, while /proc names it from the
    // host's.
    std::string below = m.group == "/"                 ? group
                        : group.rfind(m.group, 0) == 0 ? group.substr(m.group.size())
                                                       : "";
    while (!below.empty() && below.back() == '/') below.pop_back();
    for (;; below.resize(below.rfind('/'))) {
      folders.push_back(m.point + below);
      if (below.find('/') == std::string::npos) return folders;
    }
  }
  return folders;
}

template <class T>
void keep_least(std::optional<T>& least, T value) {
  least = std::min(least.value_or(value), value);
}

std::optional<int64_t> number(const std::string& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> entry(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  int64_t value = 0;
  for (std::string word; file >> word >> value;)
    if (word == key) return value;
  return {};
}

void keep_limit(std::optional<int64_t>& least, const std::optional<int64_t>& value) {
  if (value && *value < no_limit_v1) keep_least(least, *value);
}

void read_cpu(const std::string& folder, bool v2, CgroupLimits& limits) {
  double quota_us = -1, period_us = 0;
  if (v2) {
    std::ifstream file(folder + "/cpu.max");
    file >> quota_us >> period_us;  // "max 100000": no number
    if (!file) return;
  } else {
    const auto quota = number(folder + "/cpu.cfs_quota_us"), period = number(folder + "/cpu.cfs_period_us");
    if (!quota || !period) return;
    quota_us = static_cast<double>(*quota), period_us = static_cast<double>(*period);
  }
  if (quota_us <= 0 || period_us <= 0) return;
  keep_least(limits.cpu_quota, quota_us / period_us);
  if (const auto periods = entry(folder + "/cpu.stat", "nr_throttled"))
    limits.throttled_periods = limits.throttled_periods.value_or(0) + *periods;
  const auto time = entry(folder + "/cpu.stat", v2 ? "throttled_usec" : "throttled_time");
  if (time)
    limits.throttled_s = limits.throttled_s.value_or(0) + static_cast<double>(*time) * (v2 ? 1e-6 : 1e-9);
}

}  // namespace

CgroupLimits read_cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  const std::vector<Mount> mounts = cgroup_mounts(root);
  for (const bool v2 : {false, true}) {
    for (const std::string& folder : folders_of("cpu", v2, mounts, root)) read_cpu(folder, v2, limits);
    for (const std::string& folder : folders_of("memory", v2, mounts, root))
      keep_limit(limits.memory_bytes, number(folder + (v2 ? "/memory.max" : "/memory.limit_in_bytes")));
    for (const std::string& folder : folders_of("pids", v2, mounts, root))
      keep_limit(limits.most_processes, number(folder + "/pids.max"));
  }
  return limits;
}

}  // namespace alertbench
