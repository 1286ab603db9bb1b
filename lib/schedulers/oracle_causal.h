// The best that can be done without knowing the input's own value: what a scheduler is to be measured against that cannot
// see the future.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <tuple>
#include <vector>

#include "core/json_reader.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct OracleCausalSettings {
  double max_violation_share = 0.1;  // of inputs, expected; as oracle-static

  static OracleCausalSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

// Knows the true distribution of every configuration's times in the present phase (co-runner on, or off: from the whole
// recording, brought to the input's size), but not the input's own times. Takes the configuration with the least
//     E[objective] + price * P(a goal is broken)
// where the price of a violation is the lowest for which, over all recorded inputs, at most `max_violation_share` of them
// are expected to break a goal; a price of infinity (fewest violations) where none is low enough. Of equals the least
// energy, then the first by model name, stage, cap. Where the best single configuration comes out better than that
// (choices are few, and the price a blunt means), it takes that one.
//
// So no causal scheduler is better on average, if inputs of a phase are independent draws, up to what mixing two
// configurations at random could add. It uses the share of violations that it is allowed: it may need less energy than
// `oracle`, which breaks no goal that can be met. Inputs that share a deadline are priced as if each had its own slot.
class OracleCausal : public Scheduler {
 public:
  OracleCausal(const SchedulerInputs& inputs, const OracleCausalSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation&) override {}

 private:
  using Key = std::tuple<double, double, double>;  // the lowest is the best
  struct Expected {
    double objective = 0, violated = 0, energy_j = 0;
    Key key(double price) const;
  };
  // Times of one stage under one cap in one phase, at the mean size, rising; and sums of the first k of them.
  struct Times {
    std::vector<double> sorted_s, sum_s;
    double share_within(double limit_s) const;    // P(time <= limit)
    double mean_up_to(double limit_s) const;      // E[min(time, limit)]
    double mean() const;
  };
  const Times& times(int phase, int row, int cap) const {
    return times_[static_cast<size_t>((phase * rows_ + row) * profile_.caps() + cap)];
  }
  int phase_of(int64_t input) const {
    return !truth_.co_runner_on.empty() && truth_.co_runner_on[static_cast<size_t>(input)] != 0;
  }
  Expected expected(const Configuration& c, int phase, double size, double deadline_s, double period_s) const;
  size_t choose(double price, int phase, double size, double deadline_s, double period_s) const;

  const Profile& profile_;
  const TruthTable& truth_;
  const Goals goals_;
  const int rows_;
  std::vector<Configuration> configurations_;
  std::vector<Times> times_;  // [phase][row][cap]
  double price_ = 0;
  int single_ = -1;  // the one configuration to take always; -1: go by the price

  // The last choice in each phase, and what it was made for: where inputs are alike it is made once.
  struct Last {
    double size = -1, deadline_s = -1, period_s = -1;
    size_t choice = 0;
  } last_[2];
};

}  // namespace alertbench
