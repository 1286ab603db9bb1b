// Co-runners: child processes that take processor time, memory bandwidth or the GPU from the inference.
//
// Two sorts: generators, our own load of a set duty (one process a worker), and a command line: a user's, or
// one of stress-ng (contention/stress_ng.h). Both stay in our session (the kernel may share processors
// between sessions, not processes), each process group apart from ours, so that Ctrl-C reaches the harness
// alone.
//
// No child outlives us, whatever ends us. A generator asks the kernel to be killed with its parent; the
// kernel does this already when the *thread* that called start() ends: that thread must outlive the
// co-runner. A command runs under a supervisor process, which kills all below it (also what left its
// process group) once our end of a socket closes. That nothing is left is also checked, at each stop(): all
// that start() begins has a mark in its environment, which what it begins inherits, and none that bears it
// may be alive (process_tree.h). Not seen is what empties its environment and lives on after its supervisor
// was killed.
//
// The duty of a worker is a share of a processor, kept in processor time; that of a worker on the GPU (kinds
// gpu-...) is a share of the GPU, kept in GPU time as lib/models/gpu_load.h counts it: as work at the speed
// that the GPU had, uncapped, when the worker started. Under a power cap of the hardware the same work takes
// longer. Between bursts a worker sleeps. While it waits for the GPU it takes processor time as well (the
// driver's way of waiting): keep it off the inference's processors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace alertbench {

struct WorkerSpec {
  std::string kind = "compute";  // one of our own loads: see kinds.h
  int cpu = -1;                  // pinned there; -1: where the thread that calls start() may run
  double duty = 1;               // processor (or GPU) time over wall time while resumed, 0 < duty <= 1
};

// Either workers or a command.
struct CoRunnerSpec {
  std::vector<WorkerSpec> workers;
  uint64_t seed = 1;         // of the lengths of the bursts
  double period_s = 1.5e-3;  // mean length of a burst and the rest after it; no burst is shorter than a step
                             // (on a GPU about 1 ms)
  uint64_t buffer_bytes =
      0;  // of each worker whose kind has buffers; 0: default_buffer_bytes, on a GPU its own default
  double ready_timeout_s =
      120;  // start() waits that long for each worker: one that a driver keeps waiting is never ready

  std::vector<std::string> command;  // argv, found on PATH, no shell. Its stdout is dropped
  std::vector<int> command_cpus;     // may run there only; empty: as the thread that calls start()
  double command_warm_up_s = 0.5;    // runs that long in start(): a command cannot say that it is ready
};

struct Throughput {
  double units = 0;   // of work, since start
  std::string unit;   // "particles", "flop", "bytes", or "cpu_s"
  double busy_s = 0;  // processor time used since start; a command's in steps of 10 ms; on_gpu: GPU time
  bool on_gpu = false;
  double active_s = 0;  // wall time spent resumed
  bool alive = false;
  std::string why_dead;  // empty while alive, and before start() and after stop()
};

// For one thread at a time.
class CoRunner {
 public:
  virtual ~CoRunner() = default;

  // Returns ready and paused. Again after stop(): from nothing. Throws EnvironmentError (no generator, no
  // such processor, a worker not ready in time), InputError (the command cannot be executed), RunError (died
  // before it was ready, an interrupt while it waited for that), and has then left nothing behind.
  virtual void start() = 0;

  // Do not wait for the effect, which comes as soon as the co-runner gets the processor. Of a command they
  // reach its process group, not what left it. RunError when something is not running any more (the rest
  // is paused all the same).
  virtual void resume() = 0;
  virtual void pause() = 0;

  // Kills and reaps everything, and looks whether anything is left: RunError if so, which names it. Gives up
  // after some seconds on what cannot be killed. Any number of times, and done by the destructor.
  virtual void stop() = 0;

  // False for a command. The generator follows from its next burst on; InputError unless 0 < duty <= 1.
  virtual bool set_duty(size_t worker, double duty) = 0;

  // One entry a worker; a command is one worker. After stop(): as it was then.
  virtual std::vector<Throughput> worker_throughputs() const = 0;

  // Every process started by start(): the generators, or the supervisor and its command.
  virtual std::vector<pid_t> pids() const = 0;

  // All started, none ended since. A command is over, children and all, when the process it began as is.
  virtual bool alive() const = 0;

  // Over all workers. Workers of different kinds have no common unit but "busy_s".
  Throughput throughput() const;
};

// Throws InputError on a spec that makes no sense. Nothing runs before start().
std::unique_ptr<CoRunner> make_co_runner(const CoRunnerSpec& spec, const std::string& generator_path);

// $ALERT_CO_RUNNER, or alert-co-runner beside the running program. EnvironmentError if it cannot be run.
std::string find_generator();

// For each of so many workers with buffers: four times the last-level cache (192 MB if unknown), but in all
// no more than a quarter of the available memory (of the machine, or of the container). Reads below root,
// which holds sys/ and proc/.
uint64_t default_buffer_bytes(int memory_workers, const std::string& root = "/");

}  // namespace alertbench
