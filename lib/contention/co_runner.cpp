#include "contention/co_runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/cgroup.h"
#include "base/error.h"
#include "base/installation.h"
#include "contention/drivers.h"
#include "contention/kinds.h"
#include "host/host.h"

namespace alertbench {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

void check_generators(const CoRunnerSpec& spec) {
  for (const WorkerSpec& worker : spec.workers) {
    if (!co_runner_kind(worker.kind).own())
      throw InputError(fmt::format("co-runner: worker kind \"{}\" is not one of our loads", worker.kind));
    if (!(worker.duty > 0 && worker.duty <= 1))
      throw InputError(fmt::format("co-runner: duty {} is not above 0 and at most 1", worker.duty));
    if (worker.real_time && co_runner_kind(worker.kind).on_gpu)
      throw InputError(fmt::format("co-runner: worker kind \"{}\" has no real-time priority", worker.kind));
    if (worker.real_time && worker.duty > most_real_time_duty)
      throw InputError(fmt::format("co-runner: duty {} of a real-time worker is above {}", worker.duty,
                                   most_real_time_duty));
    if (worker.cpu < -1)
      throw InputError(
          fmt::format("co-runner: cpu {}: expected a processor number, or -1 for any", worker.cpu));
  }
  if (!(spec.period_s >= 1e-4 && spec.period_s <= 1))
    throw InputError(fmt::format("co-runner: period_s {} is not between 0.0001 and 1", spec.period_s));
  if (!(spec.ready_timeout_s > 0 && spec.ready_timeout_s <= 3600))
    throw InputError(
        fmt::format("co-runner: ready_timeout_s {} is not above 0 and at most 3600", spec.ready_timeout_s));
}

void check_command(const CoRunnerSpec& spec) {
  if (spec.command[0].empty()) throw InputError("co-runner: the command has no name");
  if (!(spec.command_warm_up_s >= 0 && spec.command_warm_up_s <= 600))
    throw InputError(
        fmt::format("co-runner: command_warm_up_s {} is not between 0 and 600", spec.command_warm_up_s));
  for (int cpu : spec.command_cpus)
    if (cpu < 0) throw InputError(fmt::format("co-runner: command_cpus: {} is not a processor number", cpu));
}

// 0 if unknown.
uint64_t available_memory_bytes(const std::string& root) {
  auto bytes = static_cast<uint64_t>(read_memory(root).available_bytes.value_or(0));
  // A container may have less than the machine.
  if (const auto limit = read_cgroup_limits(root == "/" ? "" : root).memory_bytes; limit && bytes)
    bytes = std::min(bytes, static_cast<uint64_t>(*limit));
  return bytes;
}

}  // namespace

Throughput CoRunner::throughput() const {
  const std::vector<Throughput> all = worker_throughputs();
  Throughput sum = all.front();
  for (size_t i = 1; i < all.size(); ++i) {
    sum.units += all[i].units;
    sum.busy_s += all[i].busy_s;
    sum.alive = sum.alive && all[i].alive;
    if (sum.why_dead.empty()) sum.why_dead = all[i].why_dead;
    if (sum.unit != all[i].unit) sum.unit = "busy_s";
  }
  if (sum.unit == "busy_s") sum.units = sum.busy_s;
  return sum;
}

std::unique_ptr<CoRunner> make_co_runner(const CoRunnerSpec& spec, const std::string& generator_path) {
  if (spec.workers.empty() == spec.command.empty())
    throw InputError("co-runner: specify either workers or a command");
  if (spec.command.empty()) {
    check_generators(spec);
    return make_generators(spec, generator_path);
  }
  check_command(spec);
  return make_command(spec, generator_path);
}

std::string find_generator() {
  std::string path;
  if (const char* named = std::getenv("ALERT_CO_RUNNER"); named && *named) {
    path = named;
  } else {
    path = beside_program("alert-co-runner");
  }
  if (access(path.c_str(), X_OK) != 0)
    throw EnvironmentError(fmt::format(
        "co-runner: cannot run {}: {}; {}, or set ALERT_CO_RUNNER to another", path, std::strerror(errno),
        errno == EACCES ? "make it executable (chmod +x; is its file system mounted noexec?)"
                        : "build alert-co-runner"));
  return path;
}

uint64_t default_buffer_bytes(int memory_workers, const std::string& root) {
  uint64_t bytes = 4 * static_cast<uint64_t>(last_level_cache_bytes(root).value_or(0));
  if (!bytes) bytes = 192 * kMiB;
  if (const uint64_t available = available_memory_bytes(root))
    bytes = std::min(bytes, available / 4 / static_cast<uint64_t>(std::max(1, memory_workers)));
  return bytes;
}

}  // namespace alertbench
