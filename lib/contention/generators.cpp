#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/limits.h"
#include "base/random.h"
#include "contention/child.h"
#include "contention/drivers.h"
#include "contention/kinds.h"
#include "contention/protocol.h"
#include "host/process_tree.h"

namespace alertbench {
namespace {

// Our end of the shared memory of a generator.
class SharedBlock {
 public:
  SharedBlock() : fd_(memfd_create("alert-co-runner", MFD_CLOEXEC)) {
    void* at = MAP_FAILED;
    if (fd_.get() >= 0 && ftruncate(fd_.get(), sizeof(ControlBlock)) == 0)
      at = mmap(nullptr, sizeof(ControlBlock), PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (const int reason = errno; at == MAP_FAILED)
      throw EnvironmentError(
          fmt::format("co-runner: no shared memory: {}{}", std::strerror(reason), limit_behind(reason)));
    block_ = new (at) ControlBlock;
  }
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;
  ~SharedBlock() { munmap(block_, sizeof(ControlBlock)); }
  ControlBlock* operator->() const { return block_; }
  int fd() const { return fd_.get(); }

 private:
  Descriptor fd_;
  ControlBlock* block_ = nullptr;
};

struct Worker {
  SharedBlock block;
  Child child;
};

class Generators : public CoRunner {
 public:
  Generators(const CoRunnerSpec& spec, const std::string& path) : spec_(spec), path_(path) {
    int with_buffers = 0;
    for (const WorkerSpec& worker : spec.workers) with_buffers += co_runner_kind(worker.kind).buffers;
    if (with_buffers && !spec_.buffer_bytes) spec_.buffer_bytes = default_buffer_bytes(with_buffers);
  }
  ~Generators() override {
    try {
      Generators::stop();
    } catch (...) {
    }
  }

  void start() override {
    if (started_) throw RunError("co-runner: started twice");
    workers_.clear();
    active_ = ActiveTime();
    mark_ = new_mark();
    try {
      Random seeds(spec_.seed);
      started_ = true;
      for (const WorkerSpec& worker : spec_.workers) {
        launch(worker, seeds.next());
        // Each measures at its start what a step takes alone.
        if (co_runner_kind(worker.kind).on_gpu) wait_until_ready(workers_.size() - 1);
      }
      for (size_t i = 0; i < workers_.size(); ++i) wait_until_ready(i);
    } catch (...) {
      stop();
      throw;
    }
  }

  void resume() override {
    require_alive();
    active_.resume();
    set_running(1);
  }

  void pause() override {
    set_running(0);
    active_.pause();
    require_alive();
  }

  void stop() override {
    active_.pause();
    started_ = false;
    if (mark_.empty()) return;
    bool reaped = true;
    for (auto& worker : workers_) reaped = worker->child.kill_and_reap() && reaped;
    require_none_left(std::exchange(mark_, ""), -1, reaped, "co-runner");
  }

  bool set_duty(size_t worker, double duty) override {
    if (worker >= spec_.workers.size() ||
        !(duty > 0 && duty <= (spec_.workers[worker].real_time ? most_real_time_duty : 1)))
      throw InputError(fmt::format("co-runner: cannot set the duty of worker {} to {}", worker, duty));
    spec_.workers[worker].duty = duty;
    if (worker < workers_.size()) workers_[worker]->block->duty.store(duty, std::memory_order_relaxed);
    return true;
  }

  std::vector<Throughput> worker_throughputs() const override {
    std::vector<Throughput> all;
    for (size_t i = 0; i < spec_.workers.size(); ++i) {
      Throughput t;
      const CoRunnerKind& kind = co_runner_kind(spec_.workers[i].kind);
      t.unit = kind.unit;
      t.on_gpu = kind.on_gpu;
      if (i < workers_.size()) {
        const SharedBlock& block = workers_[i]->block;
        t.units = static_cast<double>(block->units.load(std::memory_order_relaxed));
        t.busy_s = 1e-9 * static_cast<double>(block->busy_ns.load(std::memory_order_relaxed));
      }
      t.active_s = active_.seconds();
      t.why_dead = why_dead(i);
      t.alive = started_ && t.why_dead.empty();
      all.push_back(t);
    }
    return all;
  }

  bool alive() const override {
    for (size_t i = 0; i < workers_.size(); ++i)
      if (!why_dead(i).empty()) return false;
    return started_;
  }

  std::string priority_refused() const override {
    for (const auto& worker : workers_)
      if (const int error = worker->block->priority_error) return std::strerror(error);
    return "";
  }

  std::vector<pid_t> pids() const override {
    std::vector<pid_t> all;
    if (started_)
      for (const auto& worker : workers_) all.push_back(worker->child.pid());
    return all;
  }

 private:
  void launch(const WorkerSpec& spec, uint64_t seed) {
    auto worker = std::make_unique<Worker>();
    worker->block->duty = spec.duty;
    std::vector<std::string> arguments = {
        "--parent",       std::to_string(getpid()),
        "--kind",         spec.kind,
        "--cpu",          std::to_string(spec.cpu),
        "--seed",         std::to_string(seed),
        "--period-ns",    std::to_string(std::llround(spec_.period_s * 1e9)),
        "--buffer-bytes", std::to_string(spec_.buffer_bytes)};
    if (spec.real_time) arguments.insert(arguments.end(), {"--priority", "real-time"});
    worker->child = Child(path_, arguments, worker->block.fd(), mark_);
    workers_.push_back(std::move(worker));
  }

  void wait_until_ready(size_t i) const {
    using clock = std::chrono::steady_clock;
    const Worker& worker = *workers_[i];
    const auto give_up = clock::now() + std::chrono::duration<double>(spec_.ready_timeout_s);
    while (!worker.block->ready) {
      if (interrupted()) throw RunError("interrupted while the co-runner was being started");
      if (auto status = worker.child.ended()) {
        const std::string message = why_dead(i) + " before it was ready";
        if (WIFEXITED(*status) && WEXITSTATUS(*status) == static_cast<int>(ExitCode::environment_refuses))
          throw EnvironmentError(message);
        throw RunError(message);
      }
      if (clock::now() > give_up)
        throw EnvironmentError(fmt::format(
            "{} is not ready after {} s; see {}", name_of(i), spec_.ready_timeout_s,
            co_runner_kind(spec_.workers[i].kind).on_gpu ? "whether the GPU answers (`nvidia-smi`)"
                                                         : "what keeps the processor busy (`top`)"));
      futex_wait(worker.block->ready, 0, 10'000'000);
    }
  }

  void set_running(uint32_t running) {
    for (const auto& worker : workers_) {
      worker->block->running = running;
      futex_wake(worker->block->running);
    }
  }

  std::string name_of(size_t i) const {
    return fmt::format("co-runner: {} worker {} (pid {})", spec_.workers[i].kind, i,
                       workers_[i]->child.pid());
  }

  std::string why_dead(size_t i) const {
    if (!started_ || i >= workers_.size()) return "";
    const auto status = workers_[i]->child.ended();
    if (!status) return "";
    std::string why = name_of(i) + " " + describe_status(*status);
    const char* error = workers_[i]->block->error;
    if (*error) why += fmt::format(" ({})", std::string(error, strnlen(error, sizeof ControlBlock::error)));
    return why;
  }

  void require_alive() const {
    if (!started_) throw RunError("co-runner: not started");
    for (size_t i = 0; i < workers_.size(); ++i)
      if (std::string why = why_dead(i); !why.empty()) throw RunError(why);
  }

  CoRunnerSpec spec_;
  std::string path_;
  std::vector<std::unique_ptr<Worker>> workers_;  // kept after stop(): their blocks hold the last figures
  ActiveTime active_;
  std::string mark_;  // empty: nothing of ours runs
  bool started_ = false;
};

}  // namespace

std::unique_ptr<CoRunner> make_generators(const CoRunnerSpec& spec, const std::string& generator_path) {
  return std::make_unique<Generators>(spec, generator_path);
}

}  // namespace alertbench
