// The true bound under mean goals: knows the whole recording, and chooses for every input so that the goals
// hold as they are judged over the whole run.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/mean_program.h"
#include "schedulers/scheduler.h"
#include "schedulers/true_outcomes.h"

namespace alertbench {

// The least mean objective for which at most 10 % of the groups are late and the mean accuracy (min_energy)
// or the mean energy of a period (min_error) keeps its goal, tolerances included as in the verdict
// (core/goal_judge.h): a linear programme with two prices (mean_program.h). Under Judge::strict: for which at
// most 10 % of the inputs break a goal. bound() is the dual: nothing that keeps the goals can beat it. The
// gap to the choice found here is reported with it.
//
// Inputs alone that arrive closed do not touch each other, and the bound is that of the programme itself.
// Members of a group, and inputs that arrive open, share time: their programme is relaxed (each member may
// use all of its group's time, at a price for time in each group; waiting is not looked at), so the bound
// stays true and the gap is wider; the choice is made on the way through the recording, group by group.
// Assumes that idling takes no more power than working.
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
    int row_index = 0;  // configurations of one row have one index, and are neighbours
  };
  struct Group {
    int64_t first = 0, end = 0;  // inputs
    double time_s = 0;           // of all its members, those not recorded among them
  };
  // A member's option, but for the prices: what it takes, and what it comes to where it is in time.
  struct MemberOption {
    double time_s = 0;
    Option outcome;
  };
  struct Sums {
    double value = 0, late = 0, bound = 0;
  };

  double end_s(int64_t n, const Entry& e) const { return truth_.end_s(n, e.row, e.cap); }
  Option option_of(double accuracy, double energy_j, bool late, double late_weight, int id) const;
  Option outcome_of_member(int64_t n, int k) const;  // of configuration k, in time
  // What input n, alone, can come to: for each row the least energy in time, and the least energy of a miss.
  void options_alone(int64_t n, std::vector<Option>& options) const;
  // The plan of a group that has `time_s` left at these prices, into chosen_ (-1: cannot be in time), added
  // to `sums`: again a programme, now with a price on the group's time, which is returned.
  double plan_group(const Group& group, double time_s, const Prices& prices, Sums& sums);
  // All judged groups at these prices, on their own. The bound is the dual.
  Sums relaxed(const Prices& prices);
  // The lowest price on value at this late price that brings the mean value to `value_goal`; infinity where
  // none does.
  double value_price(double late_price, double value_goal);
  Prices find_prices(double value_goal);
  // Through the whole recording at these prices: chosen_, and what it comes to.
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
  std::vector<std::vector<MemberOption>> member_options_;  // [input], by rising time
  int64_t judged_groups_ = 0;
  double dual_ = 0;              // the best so far
  MeanProgram group_program_;    // scratch of plan_group
  std::vector<Option> options_;  // likewise
  double value_goal_ = 0;        // mean over the judged inputs
  std::vector<int> chosen_;      // index of a configuration, [input]
  std::optional<Bound> bound_;
};

}  // namespace alertbench
