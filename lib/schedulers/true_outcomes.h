// Computes the outcome of every configuration on a recorded input, for searches over all configurations: the
// same as outcome_of(), but without stages and measured values.
#pragma once

#include <vector>

#include "core/delivery.h"
#include "core/profile.h"
#include "core/truth_table.h"

namespace alertbench {

struct TrueOutcome {
  int stage_delivered = 0;
  double latency_s = 0, busy_s = 0, accuracy = 0, energy_j = 0;  // as in Outcome
  bool violated = false;                                         // violations_of(...).any()
};

class TrueOutcomes {
 public:
  // Both must outlive it.
  TrueOutcomes(const TruthTable& truth, const Profile& profile, const Goals& goals);

  // Configurations are ordered by model name, stage and cap, so searches that keep the first of equals do not
  // depend on the order in the profile.
  size_t size() const { return entries_.size(); }
  const Configuration& configuration(size_t k) const { return entries_[k].configuration; }

  // Returns the outcome of configuration k on the input context.input.
  TrueOutcome at(size_t k, const Context& context) const {
    const Entry& e = entries_[k];
    const double* end_s =
        truth_.stage_end_s.data() + static_cast<size_t>(context.input) * inputs_stride_ + e.offset;
    const Delivery d =
        deliver(e.anytime, e.configuration.stage, context.deadline_from_start_s, context.delivered_by_s(),
                [=](int stage) { return end_s[static_cast<size_t>(stage) * stage_stride_]; });
    TrueOutcome o;
    o.stage_delivered = d.stage_delivered;
    o.latency_s = d.latency_s;
    o.busy_s = d.busy_s;
    o.accuracy = o.stage_delivered > 0 ? e.accuracy[o.stage_delivered - 1] : fail_accuracy_;
    o.energy_j = e.active_w * o.busy_s +
                 idle_w_ * (std::max(0.0, context.period_s - o.busy_s) - context.idle_charged_s);
    o.violated = o.stage_delivered == 0 || o.accuracy < accuracy_goal_ || o.energy_j > energy_goal_j_;
    return o;
  }

 private:
  struct Entry {
    Configuration configuration;
    bool anytime = false;
    size_t offset = 0;                 // of the network's first stage within an input
    const double* accuracy = nullptr;  // of its stages
    double active_w = 0;
  };
  const TruthTable& truth_;
  std::vector<Entry> entries_;
  size_t inputs_stride_ = 0, stage_stride_ = 0;
  double fail_accuracy_ = 0, idle_w_ = 0;
  double accuracy_goal_ = 0,
         energy_goal_j_ = 0;  // for a goal that the task does not have, a value that no outcome breaks
};

}  // namespace alertbench
