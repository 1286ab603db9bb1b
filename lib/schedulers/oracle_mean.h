// The true bound under mean goals: an oracle that knows the complete recording, and chooses for every input
// so that the goals are met as they are judged over the complete run.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/mean_program.h"
#include "schedulers/scheduler.h"
#include "schedulers/true_outcomes.h"

namespace alertbench {

// The least mean objective for which at most 10 % of the groups are late and the mean accuracy (min_energy)
// or the mean energy of a period (min_error) meets its goal, with the tolerances of the verdict
// (core/goal_judge.h). This is a linear program with two prices (mean_program.h). Under Judge::strict, at
// most 10 % of the inputs may break a goal. bound() is the dual: nothing that meets the goals can beat it. It
// comes with the gap to the choice found here.
//
// Single inputs with closed arrivals do not affect each other, and the bound is that of the program itself.
// Members of a group, and inputs with open or timed arrivals, share time. Their program is relaxed (each
// member may use all of its group's time, at a price for time in each group, and waiting is ignored), so the
// bound is still valid but the gap is wider; the choice is made group by group, in the order of the
// recording. The oracle assumes that idling takes no more power than working.
//
// That waiting is ignored costs no validity: what an overrun takes from the idle time of the inputs after it,
// it has used itself, so the energies of a run add up to the same. Only time that the warm-up takes from the
// judged inputs is not theirs; the most that it can be is credited. Under Judge::strict with an energy
// budget, it is the single input's energy that counts, and there is no bound for inputs that share time.
class OracleMean : public Scheduler {
 public:
  explicit OracleMean(const SchedulerInputs& inputs);  // computes all choices
  Configuration decide(const Context& context) override {
    return outcomes_.configuration(static_cast<size_t>(chosen_[static_cast<size_t>(context.input)]));
  }
  void observe(const Observation&) override {}
  std::optional<Bound> bound() const override { return bound_; }

 private:
  struct Entry {  // of a configuration, in the order of outcomes_
    int row = 0, first_row = 0, cap = 0;
    bool anytime = false;
    double accuracy = 0, active_w = 0;
    int row_index = 0;  // configurations of one row share an index and are adjacent
  };
  struct Group {
    int64_t first = 0, end = 0;  // inputs
    double time_s = 0;           // of all its members, including those not recorded
  };
  // A member's option without prices: the time it takes, and its result if it is in time.
  struct MemberOption {
    double time_s = 0;
    Option outcome;
  };
  struct Sums {
    double value = 0, late = 0, bound = 0;
  };

  double end_s(int64_t n, const Entry& e) const { return truth_.end_s(n, e.row, e.cap); }
  Option option_of(double accuracy, double energy_j, bool late, double late_weight, int id) const;
  Option outcome_of_member(int64_t n, int k) const;  // of configuration k, if in time
  double idle_period_j(int64_t n) const {            // of an input's period in which nothing runs
    return profile_.idle_power_w * arrivals_.period_s(n, goals_.deadline_s);
  }
  // Collects the possible results of single input n: for each row the least energy of an output in time, and
  // the least energy of a miss.
  void options_alone(int64_t n, std::vector<Option>& options) const;
  // Plans a group that has `time_s` left, at these prices. It stores the plan in chosen_ (-1: cannot be in
  // time) and adds it to `sums`. This is again a program, now with a price on the group's time, which is
  // returned.
  double plan_group(const Group& group, double time_s, const Prices& prices, Sums& sums);
  // Plans all judged groups at these prices, independently. The bound in the result is the dual.
  Sums relaxed(const Prices& prices);
  // The idle energy that judged inputs can be spared because the warm-up ran into their time.
  double most_carried_j() const;
  // Returns the lowest price on value that, with this late price, brings the mean value to `value_goal`;
  // infinity if none does.
  double value_price(double late_price, double value_goal);
  Prices find_prices(double value_goal);
  // Goes through the complete recording at these prices, fills chosen_, and returns its verdict.
  GoalVerdict play(const Prices& prices);
  void solve_alone();
  void solve_groups();

  const Profile& profile_;
  const TruthTable& truth_;
  const Goals goals_;
  const Arrivals arrivals_;
  const int64_t first_judged_;
  const TrueOutcomes outcomes_;
  std::vector<Entry> entries_;
  int row_count_ = 0;
  std::vector<Group> groups_;
  std::vector<std::vector<MemberOption>> member_options_;  // [input], by increasing time
  int64_t judged_groups_ = 0;
  double dual_ = 0;              // the best so far
  MeanProgram group_program_;    // scratch of plan_group
  std::vector<Option> options_;  // likewise
  double value_goal_ = 0;        // mean over the judged inputs
  double carried_j_ = 0;         // most_carried_j()
  std::vector<int> chosen_;      // index of a configuration, [input]
  std::optional<Bound> bound_;
};

}  // namespace alertbench
