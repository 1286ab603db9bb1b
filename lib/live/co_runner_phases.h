// Records what the co-runner did in each phase in which it was on, and whether that was the expected work.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "contention/co_runner.h"

namespace alertbench {

struct WorkDone {
  double active_s = 0, busy_s = 0, units = 0;
};

// The time from switching the co-runner on until switching it off. If schedulers take turns, a phase contains
// the inputs of several turns.
struct CoRunnerPhase {
  std::string part;             // of the run: "recording", "live"
  int64_t first = 0, last = 0;  // input numbers when it was switched on and off
  int64_t inputs = 0;           // run in this phase
  std::vector<WorkDone> workers;
  bool died = false;  // the phase ended because the co-runner died
};

// Collects the phases. Times and units are differences of the counts that the co-runner keeps from its start.
class CoRunnerPhases {
 public:
  void begin_part(const std::string& part) { part_ = part; }
  void begin(int64_t input, std::vector<Throughput> now);
  void input(int64_t input);  // call it for the first one as well
  void end(const std::vector<Throughput>& now, bool died = false);
  bool open() const { return open_; }
  // Includes the open phase, as if it ended now.
  std::vector<CoRunnerPhase> so_far(const std::vector<Throughput>& now) const;

 private:
  std::vector<CoRunnerPhase> phases_;
  std::string part_;
  std::vector<Throughput> before_;
  bool open_ = false;
};

// Returns for the manifest, by part of the run: all phases if there are at most 100, otherwise the first and
// last 20, and quantiles over all of them. `now` provides the names of the workers' units. A worker's busy
// time is called cpu_s, or gpu_s for a worker on the GPU.
nlohmann::ordered_json phase_facts(const std::vector<CoRunnerPhase>& phases,
                                   const std::vector<Throughput>& now);

// A worker's name in messages, and the duty expected of it; nullopt if it is not known (a command) or not to
// be judged (on a GPU that power caps slow down).
struct WorkAsked {
  std::string name;
  std::optional<double> duty;
  bool on_gpu = false;
};

// Returns the reasons why the work done is less than expected; empty if it is as expected.
// A worker was starved
// - if its duty is known and it got less than half of that share of a processor, over all phases together (at
//   least 1 s in total). Half a processor is the most that is expected of any worker: that is its fair share
//   beside an inference that never rests, whatever its duty. For a worker on the GPU the same applies to the
//   GPU: its processor time means nothing (it spins while it waits), so it is judged by its GPU time, which
//   is the work done at the speed that it had alone (models/gpu_load.h);
// - if it did nothing at all in a phase of at least 0.2 s, or, if its duty is not known, in all phases
//   together (at least 1 s in total).
// Phases in which the co-runner died do not count.
std::vector<std::string> starvation(const std::vector<CoRunnerPhase>& phases,
                                    const std::vector<WorkAsked>& workers);

}  // namespace alertbench
