// The best result that is possible without knowing an input's own times: the reference for schedulers that
// cannot see the future.
#pragma once

#include <memory>
#include <vector>

#include "schedulers/mean_program.h"
#include "schedulers/phase_times.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// Knows the true distribution of every configuration's times in the present phase (co-runner on or off, from
// the complete recording, scaled to the input's size), how many inputs of each kind are still to come, and
// what was delivered so far, but not the input's own times. Before every input it solves again which options
// for the kinds of inputs still to come are expected to reach the goals of the complete run at the least cost
// (the program of oracle-mean over kinds). If two options of a kind are to be mixed, it alternates them. A
// price on lateness is set once, such that at most 10 % of the groups are expected to be late; if more were
// late so far, the least likely miss takes priority. It aims at the goal itself, without its tolerance. Under
// Judge::strict the goal is that at most 10 % of the inputs break a goal.
//
// So no causal scheduler is better on average if the inputs of a phase are independent draws; one that
// exploits drift within a phase can be. Each member of a group is planned with its share of the group's time.
// A traditional network is planned with the time that the group has left if the remaining members use the
// fastest configuration (1.3 times its mean).
class OracleCausal : public Scheduler {
 public:
  explicit OracleCausal(const SchedulerInputs& inputs);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  struct Kind {  // inputs of one phase and of similar size
    int phase = 0;
    double size = 1;      // divided by the profile's mean size; the mean of the kind
    int64_t to_come = 0;  // judged ones
    size_t step = 0;      // position on its hull in the current plan
    double mixed = 0;     // share of the next step, carried from input to input
  };
  struct Step {  // from one option of a kind to the next
    double slope = 0, value = 0;
    size_t kind = 0;
  };

  void sort_into_kinds();
  // Returns the expected result of configuration k on an input of this phase and size.
  Option expected(size_t k, int phase, const Context& context) const;
  std::vector<Option> expected_of_kind(const Kind& kind) const;
  // Does the same in one pass over the recorded times, for inputs of one size that share no deadline.
  std::vector<Option> expected_alone(int phase) const;
  Option option_of(size_t k, double accuracy, double energy_j, double late, double broken) const;
  double value_of(double accuracy, double energy_j, double broken) const;
  void set_up_plan();
  // Returns the current price on value, and sets the step of each kind. It sets `critical` to the kind at
  // that price, and `share` to the share of its inputs that go one step further.
  double plan(size_t& critical, double& share);
  size_t cheapest(const Prices& prices, int phase, const Context& context) const;

  const Profile& profile_;
  const TruthTable& truth_;
  const Goals goals_;
  const Arrivals arrivals_;
  const int64_t first_judged_;
  const std::vector<Configuration> configurations_;
  std::unique_ptr<PhaseTimes> own_times_;
  const PhaseTimes* times_ = nullptr;  // null if inputs have one size, share no deadlines and arrive closed
  const bool grouped_;                 // inputs share deadlines
  const bool alone_;                   // every input has the deadline and period of its kind
  double fastest_s_[2] = {0, 0};       // mean of the fastest configuration, [phase]

  std::vector<Kind> kinds_;
  std::vector<int> kind_of_input_;
  std::vector<std::vector<Option>> hulls_;  // of each kind at the late price, by rising value
  std::vector<Step> steps_;                 // of all kinds, by increasing slope
  double late_price_ = 0, hopeless_price_ = 0;
  double wanted_ = 0;                                       // value still missing to the goal of the run
  double late_allowed_ = 0, groups_ = 0, late_groups_ = 0;  // judged ones, so far except for the first
  bool judging_ = false, group_is_late_ = false, late_spent_ = false;
  size_t kind_ = 0;  // of the current input
};

}  // namespace alertbench
