// The seam that all schedulers share: before each input a decision, after it an observation. A scheduler does
// not know whether its decision is run for real or looked up in a recording.
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

// What no scheduler can beat: no choice of configurations that keeps the goals (as they are judged, tolerance
// included) has a mean objective (energy of a period, J, or error) over the judged inputs below `objective`.
// `gap`: by how much the choice that the oracle found for itself lies above it.
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
  // Of an oracle that knows one; see Bound.
  virtual std::optional<Bound> bound() const { return {}; }
};

struct SchedulerInputs {
  const Profile& profile;  // both must outlive the scheduler
  Goals goals;
  const TruthTable* truth = nullptr;  // for oracles; the others never get to see it
  Arrivals arrivals = Arrivals::closed;
  int64_t first_judged = 0;  // inputs before it are warm-up: no goal counts there, for oracles neither
  // Of `truth`, where somebody made them already for several schedulers.
  const TruthColumns* columns = nullptr;
  const PhaseTimes* phase_times = nullptr;
};

struct SchedulerInfo {
  std::string name, summary;
  bool needs_truth = false;
  bool needs_anytime = false, needs_traditional = false;  // kinds of candidates it cannot do without
};

std::vector<SchedulerInfo> known_schedulers();  // in the order of the registry (schedulers/registry.h)
bool knows_truth(const std::string& name);      // SchedulerInfo::needs_truth; false where the name is unknown
// `settings`: the scheduler's own object of a scenario ({} for defaults), read strictly; `where` opens error
// messages. InputError: unknown name (names the nearest), unknown key, a candidate set it cannot work with.
std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const SchedulerInputs& inputs,
                                          const nlohmann::json& settings, const std::string& where);
// Every setting in force, defaults included: what a manifest keeps.
nlohmann::ordered_json effective_settings(const std::string& name, const nlohmann::json& settings,
                                          const std::string& where);

}  // namespace alertbench
