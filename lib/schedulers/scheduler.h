// The interface of all schedulers: a decision before each input, and an observation after it. A scheduler
// does not know whether its decision is executed live or looked up in a recording.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/pacing.h"
#include "core/profile.h"
#include "core/truth_table.h"
#include "core/types.h"

namespace alertbench {

class PhaseTimes;  // schedulers/phase_times.h

// A bound that no scheduler can beat: no choice of configurations that meets the goals (as they are judged,
// including the tolerance) has a mean objective (energy of a period in J, or error) over the judged inputs
// below `objective`. `gap` is how far the choice that the oracle found lies above it.
struct Bound {
  double objective = 0, gap = 0;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual Configuration decide(const Context& context) = 0;  // no allocation
  virtual void observe(const Observation& observation) = 0;  // no allocation
  // For the trace; empty if the scheduler has no such model.
  virtual std::optional<Slowdown> slowdown() const { return {}; }      // after the last observation
  virtual std::optional<Prediction> prediction() const { return {}; }  // of the last decision
  // True if another process decides: the time of a decision is then real time, not processor time.
  virtual bool decides_elsewhere() const { return false; }
  // For oracles that know a bound; see Bound.
  virtual std::optional<Bound> bound() const { return {}; }
};

struct SchedulerInputs {
  const Profile& profile;  // both must outlive the scheduler
  Goals goals;
  const TruthTable* truth = nullptr;  // for oracles; other schedulers never see it
  Arrivals arrivals = Arrivals::closed;
  int64_t first_judged = 0;  // inputs before it are warm-up: their goals do not count, not even for oracles
  // Derived from `truth`; set if they were already computed, to be shared by several schedulers.
  const TruthColumns* columns = nullptr;
  const PhaseTimes* phase_times = nullptr;
  // The number of inputs of the run, warm-up included, if it is known in advance.
  std::optional<int64_t> total_inputs = {};
};

// The goals of a setting that a scheduler tries to keep: it steers towards the goal, or does its utmost
// whatever the goal is. A setting counts as violated by the other goals as well, but reports say so.
struct Promises {
  bool deadline = true, accuracy = true, energy = true;
};
std::vector<std::string> promised_goals(const Promises& promises);  // "deadline", "accuracy", "energy"

struct SchedulerTraits {
  // Lists and figures group by it: "alert", "one-level" (one level adapts, or both do without knowing of each
  // other), "control" (feedback), "heuristic", "price", "bound" (oracles), or another word.
  std::string family = "own";
  Promises promises = {};
};

struct SchedulerInfo {
  std::string name, summary;
  bool needs_truth = false;
  bool needs_anytime = false, needs_traditional = false;  // kinds of candidates that it requires
  SchedulerTraits traits = {};
};

std::vector<SchedulerInfo> known_schedulers();  // in the order of the registry (schedulers/registry.h)
bool knows_truth(const std::string& name);      // SchedulerInfo::needs_truth; false if the name is unknown
// Creates a scheduler. `settings` is the scheduler's own object of a scenario ({} for defaults) and is read
// strictly; error messages begin with `where`. InputError for an unknown name (the message names the nearest
// one), an unknown key, or candidates that the scheduler cannot use.
std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const SchedulerInputs& inputs,
                                          const nlohmann::json& settings, const std::string& where);
// Returns all effective settings, including defaults, for the manifest; also of schedulers of the user's own
// (schedulers/external.h), whose settings are theirs.
nlohmann::ordered_json effective_settings(const std::string& name, const nlohmann::json& settings,
                                          const std::string& where);

}  // namespace alertbench
