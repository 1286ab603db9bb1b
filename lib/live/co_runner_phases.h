// What the co-runner did in each phase that it was on, and whether that is what was asked of it.
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

// From one switch on to the next switch off. Where schedulers take turns, the inputs of several turns.
struct CoRunnerPhase {
  std::string part;             // of the run: "recording", "live"
  int64_t first = 0, last = 0;  // input numbers at both switches
  int64_t inputs = 0;           // run in it
  std::vector<WorkDone> workers;
  bool died = false;  // it ended because the co-runner did
};

// Times and units are differences of what the co-runner counts from its start.
class CoRunnerPhases {
 public:
  void begin_part(const std::string& part) { part_ = part; }
  void begin(int64_t input, std::vector<Throughput> now);
  void input(int64_t input);  // the first one too
  void end(const std::vector<Throughput>& now, bool died = false);
  bool open() const { return open_; }
  // With the one that is open, as it would end now.
  std::vector<CoRunnerPhase> so_far(const std::vector<Throughput>& now) const;

 private:
  std::vector<CoRunnerPhase> phases_;
  std::string part_;
  std::vector<Throughput> before_;
  bool open_ = false;
};

// For a manifest, by part of the run: each phase where there are at most 100, else the first and last 20; and
// quantiles over all of them. `now`: names the workers' units. What a worker was busy is its cpu_s, of one on
// the GPU its gpu_s.
nlohmann::ordered_json phase_facts(const std::vector<CoRunnerPhase>& phases,
                                   const std::vector<Throughput>& now);

// A worker as it is called in messages, and the duty asked of it; none: not known (a command), or not to be
// judged (on a GPU that power caps slow).
struct WorkAsked {
  std::string name;
  std::optional<double> duty;
  bool on_gpu = false;
};

// Why the work done is not what was asked; empty where it is. Starved is:
// - a worker of known duty that got, over all phases together (1 s of them at least), less than half of that
// share of a
//   processor. More than half a processor is not expected of any: beside one inference that never rests, its
//   fair share is one half, whatever its duty. For a worker on the GPU read GPU for processor: its processor
//   time says nothing (it spins while it waits), so it is judged by its GPU time, which is the work done at
//   the speed it had alone (models/gpu_load.h);
// - a worker that did nothing at all in a phase of 0.2 s or more, one of no known duty: in a second or more
// of all phases together. Phases that the co-runner died in do not count.
std::vector<std::string> starvation(const std::vector<CoRunnerPhase>& phases,
                                    const std::vector<WorkAsked>& workers);

}  // namespace alertbench
