// The application first, then the system: for every input the most accurate network and stage that is
// expected to finish by the deadline under the highest cap, then the lowest cap under which that one still
// is. This is the order of E4 (AAAI 2025), which chooses an early exit first and the clocks after it.
//
// It promises deadline and accuracy: the most accurate result that is expected in time, whatever the accuracy
// goal is. It does not know the energy budget, and does the same for both tasks.
//
// Differences from E4: no learned exit policy, and no search of the clocks by coordinate descent: the profile
// says how long everything takes, scaled by ALERT's estimate of the slow-down factor (its mean, with the
// published constants; estimate/slowdown_filter.h). If nothing is expected to finish in time, it runs what is
// expected to finish first. `margin` is ours: a mean alone would be exceeded half of the time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/json_reader.h"
#include "estimate/slowdown_filter.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct E4OrderSettings {
  double margin = 0.1;  // share of the deadline that is kept free, 0 <= margin < 1

  static E4OrderSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class E4Order : public Scheduler {
 public:
  E4Order(const SchedulerInputs& inputs, const E4OrderSettings& settings);
  Configuration decide(const Context& context) override;
  // Takes the ratio of measured to profiled latency as ALERT does: of the last stage that finished, else a
  // lower bound from the first one.
  void observe(const Observation& observation) override;
  std::optional<Slowdown> slowdown() const override;

 private:
  bool fits(const Configuration& c, double time_s, double size) const;

  const Profile& profile_;
  const double share_;                      // of the deadline that may be used
  std::vector<Configuration> by_accuracy_;  // every network and stage under the highest cap, best first
  Configuration fastest_;
  SlowdownFilter slowdown_;
  double observed_ = 0;
};

}  // namespace alertbench
