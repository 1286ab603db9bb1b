#include "models/network_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "base/cgroup.h"
#include "base/error.h"
#include "host/host.h"

namespace alertbench {
namespace {

constexpr double gib = 1024.0 * 1024.0 * 1024.0, number_bytes = 4;

// Values between the layers that have most of them: one layer's input and its output are there at once.
double activations(const ResnetConfig& c) {
  const auto shrunk = [](double side, int stride) { return std::ceil(side / stride); };
  double side = shrunk(c.input_size, c.stem_stride);
  double most = c.stem_width * side * side;
  if (c.stem_pool) side = shrunk(side, 2);
  for (const ResnetGroup& group : c.groups) {
    side = shrunk(side, group.stride);
    most = std::max(most, group.width * (c.bottleneck ? 4.0 : 1.0) * side * side);
  }
  return 2 * most;
}

// A number in a file; none if it has another content ("max").
void lower_to_file(double& limit, const std::string& path) {
  std::ifstream file(path);
  if (double bytes = 0; file >> bytes) limit = std::min(limit, bytes);
}

}  // namespace

double memory_needed_bytes(const NetworkSpec& n) {
  double numbers = 0;
  for (const NetworkSpec* part : n.parts())
    numbers += static_cast<double>(part->parameters()) +
               (part->architecture == "resnet" ? activations(part->resnet) : 0);
  return number_bytes * numbers;
}

double memory_limit_bytes(const std::string& root) {
  double limit = std::numeric_limits<double>::infinity();
  if (const auto total = read_memory(root).total_bytes) limit = static_cast<double>(*total);
  lower_to_file(limit, root + "/sys/fs/cgroup/memory.max");
  lower_to_file(limit, root + "/sys/fs/cgroup/memory/memory.limit_in_bytes");
  if (const auto bytes = read_cgroup_limits(root).memory_bytes)
    limit = std::min(limit, static_cast<double>(*bytes));  // of a job's own group
  rlimit space{};
  if (root.empty() && getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    limit = std::min(limit, static_cast<double>(space.rlim_cur));
  return limit;
}

void check_memory(const NetworkSpec& n, double limit_bytes) {
  const double needed = memory_needed_bytes(n);
  if (needed <= limit_bytes) return;
  throw InputError(
      fmt::format("network \"{}\": {}it needs at least {:.1f} GiB, but there are only {:.1f} GiB of "
                  "memory; make its config smaller, or use a larger machine",
                  n.name, n.parameters() > 0 ? fmt::format("{} parameters: ", n.parameters()) : "",
                  needed / gib, limit_bytes / gib));
}

}  // namespace alertbench
