#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "contention/kinds.h"
#include "models/inference_runtime.h"
#include "modes.h"

namespace alertbench {
namespace {

int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * int64_t{1000000000} + t.tv_nsec;
}

// Asks for the shortest time slice. A worker that wakes up for its burst then comes first at once, instead of
// waiting until whoever runs has used up a slice: the share of the processor is the duty, not a matter of the
// scheduler's slices. Linux 6.12 and later (EEVDF); older kernels let a thread that wakes up go first anyway,
// and ignore it.
void ask_for_short_slices() {
  struct {
    uint32_t size = 48, policy = SCHED_OTHER;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime_ns = 100'000, deadline = 0, period = 0;
  } attributes;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// Returns 0, or the errno with which it was refused.
int ask_for_real_time() {
  sched_param lowest = {};
  lowest.sched_priority = sched_get_priority_min(SCHED_FIFO);
  return sched_setscheduler(0, SCHED_FIFO, &lowest) == 0 ? 0 : errno;
}

std::unique_ptr<Kernel> open_load(const GeneratorOptions& options) {
  if (co_runner_kind(options.kind).on_gpu)
    return open_gpu_load(options.kind, options.seed, options.buffer_bytes);
  return make_kernel(options.kind, {options.seed, options.buffer_bytes});
}

}  // namespace

bool run_on(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus)
    if (cpu < CPU_SETSIZE) CPU_SET(static_cast<size_t>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void generate(const GeneratorOptions& options, ControlBlock& block) {
  if (options.cpu >= 0 && !run_on({options.cpu}))
    throw EnvironmentError("cannot run on processor " + std::to_string(options.cpu) + ": " +
                           std::strerror(errno));
  const auto kernel = open_load(options);
  prctl(PR_SET_TIMERSLACK, 1);
  ask_for_short_slices();
  if (options.real_time) block.priority_error = ask_for_real_time();
  Random random(options.seed);
  const auto period_ns = static_cast<double>(options.period_ns);
  uint64_t units = 0, busy_ns = 0;

  block.ready = 1;
  futex_wake(block.ready);
  for (;;) {
    while (!block.running) futex_wait(block.running, 0);
    // Wall time by which the duty is ahead: the sleep due. Behind (starved by others), it catches up over a
    // few periods only, lest a long wait be followed by a long hog.
    double ahead_ns = 0;
    while (block.running) {
      const double duty = block.duty.load(std::memory_order_relaxed);
      const auto burst_ns = static_cast<int64_t>(duty * period_ns * (0.5 + random.uniform()));
      const int64_t wall_start = now_ns(), busy_start = kernel->busy_ns();
      int64_t burst_so_far_ns = 0;
      // In processor time, so that it takes its share of the core also against others.
      while (burst_so_far_ns < burst_ns && block.running.load(std::memory_order_relaxed)) {
        units += kernel->step();
        burst_so_far_ns = kernel->busy_ns() - busy_start;
        block.units.store(units, std::memory_order_relaxed);
        block.busy_ns.store(busy_ns + static_cast<uint64_t>(burst_so_far_ns), std::memory_order_relaxed);
      }
      busy_ns += static_cast<uint64_t>(burst_so_far_ns);
      ahead_ns += static_cast<double>(burst_so_far_ns) / duty;
      const double wall_ns = static_cast<double>(now_ns() - wall_start);
      if (ahead_ns > wall_ns) futex_wait(block.running, 1, static_cast<int64_t>(ahead_ns - wall_ns));
      ahead_ns = std::max(ahead_ns - static_cast<double>(now_ns() - wall_start), -4 * period_ns);
    }
  }
}

}  // namespace alertbench
