// Co-runners: child processes that take processor time, memory bandwidth or the GPU from the inference.
//
// There are two types: generators, which run our own load at a set duty (one process per worker), and a
// command line, which is the user's or one of stress-ng (contention/stress_ng.h). Both stay in our session
// (the kernel may share processors between sessions instead of processes), but in their own process groups,
// so that Ctrl-C reaches only the harness.
//
// No child outlives us, however we end. A generator asks the kernel to kill it with its parent; the kernel
// does this as soon as the *thread* that called start() ends, so that thread must outlive the co-runner. A
// command runs under a supervisor process, which kills all its descendants (including those that left its
// process group) once our end of a socket closes. Each stop() also checks that no process is left: every
// process that start() creates has a mark in its environment, which its children inherit, and no process with
// the mark may be alive (process_tree.h). This check cannot see a process that empties its environment and
// survives its killed supervisor.
//
// The duty of a worker is a share of a processor, measured in processor time. The duty of a worker on the GPU
// (kinds gpu-...) is a share of the GPU, measured in GPU time as lib/models/gpu_load.h counts it: as work at
// the uncapped speed that the GPU had when the worker started. Under a hardware power cap the same work takes
// longer. Between bursts a worker sleeps. While it waits for the GPU it also uses processor time (because of
// how the driver waits), so keep it off the inference's processors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace alertbench {

struct WorkerSpec {
  std::string kind = "compute";  // one of our own loads: see kinds.h
  int cpu = -1;     // the processor it is pinned to; -1: wherever the thread that calls start() may run
  double duty = 1;  // processor (or GPU) time over wall time while resumed, 0 < duty <= 1
  // Its bursts run before everything of normal priority (SCHED_FIFO), so that an inference is interrupted
  // however short it is. Left to the scheduler, an inference that has just woken up may first run for
  // milliseconds. Not on a GPU; the duty is then at most most_real_time_duty. It stays at normal priority
  // where the kernel refuses: see CoRunner::priority_refused().
  bool real_time = false;
};

// Leaves time for everything else on that processor, and stays below what Linux grants real-time threads by
// default (sched_rt_runtime_us: 0.95).
constexpr double most_real_time_duty = 0.9;

// Either workers or a command.
struct CoRunnerSpec {
  std::vector<WorkerSpec> workers;
  uint64_t seed = 1;         // for the lengths of the bursts
  double period_s = 1.5e-3;  // mean length of a burst and the rest after it; no burst is shorter than a step
                             // (on a GPU about 1 ms)
  // Of each worker whose kind has buffers; 0: default_buffer_bytes, and on a GPU the default of the load.
  uint64_t buffer_bytes = 0;
  // start() waits at most this long for each worker, because one that a driver blocks is never ready.
  double ready_timeout_s = 120;

  std::vector<std::string> command;  // argv, searched on PATH, without a shell; its stdout is discarded
  // The only processors it may use; empty: those of the thread that calls start().
  std::vector<int> command_cpus;
  // start() lets it run for this time, because a command cannot report that it is ready.
  double command_warm_up_s = 0.5;
};

struct Throughput {
  double units = 0;   // of work since start
  std::string unit;   // "particles", "flop", "bytes", or "cpu_s"
  double busy_s = 0;  // processor time used since start (for a command in steps of 10 ms); GPU time if on_gpu
  bool on_gpu = false;
  double active_s = 0;  // wall time spent resumed
  bool alive = false;
  std::string why_dead;  // empty while alive, and before start() and after stop()
};

// To be used by one thread at a time.
class CoRunner {
 public:
  virtual ~CoRunner() = default;

  // Returns when the co-runner is ready and paused. After stop(), it starts again from scratch. Throws
  // EnvironmentError (no generator, no such processor, a worker not ready in time), InputError (the command
  // cannot be executed) or RunError (it died before it was ready, or an interrupt came while waiting); no
  // process is left in these cases.
  virtual void start() = 0;

  // These two do not wait for the effect, which comes as soon as the co-runner gets the processor. For a
  // command they reach its process group, but not processes that left it. RunError if a process is no longer
  // running (the others are paused nevertheless).
  virtual void resume() = 0;
  virtual void pause() = 0;

  // Kills and reaps everything, and checks whether any process is left: RunError that names it if so. It
  // gives up after a few seconds if a process cannot be killed. It may be called any number of times, and the
  // destructor calls it.
  virtual void stop() = 0;

  // Returns false for a command. The generator applies the duty from its next burst on. InputError unless 0 <
  // duty <= 1, or most_real_time_duty for a worker of real-time priority.
  virtual bool set_duty(size_t worker, double duty) = 0;

  // Returns one entry per worker; a command is one worker. After stop() it returns the last values.
  virtual std::vector<Throughput> worker_throughputs() const = 0;

  // Returns why a worker whose real_time is set runs at normal priority instead, for example "Operation not
  // permitted"; empty if none does. Known from start() on.
  virtual std::string priority_refused() const = 0;

  // Returns every process started by start(): the generators, or the supervisor and its command.
  virtual std::vector<pid_t> pids() const = 0;

  // True if all processes were started and none has ended. A command counts as ended, together with its
  // children, when its first process ends.
  virtual bool alive() const = 0;

  // Returns the sum over all workers. Workers of different kinds share no unit except "busy_s".
  Throughput throughput() const;
};

// Throws InputError for an inconsistent spec. Nothing runs before start().
std::unique_ptr<CoRunner> make_co_runner(const CoRunnerSpec& spec, const std::string& generator_path);

// Returns $ALERT_CO_RUNNER, or alert-co-runner next to the running program. EnvironmentError if it cannot be
// run.
std::string find_generator();

// Returns the buffer size for each of `memory_workers` workers: four times the last-level cache (192 MB if
// unknown), but in total at most a quarter of the available memory (of the machine, or of the container). It
// reads sys/ and proc/ below `root`.
uint64_t default_buffer_bytes(int memory_workers, const std::string& root = "/");

}  // namespace alertbench
