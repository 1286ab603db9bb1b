// `price`: a scheduler for goals that hold on average, without knowledge of the future. Not from a paper: its
// parts are known, their combination and constants are this project's (docs/price.md has measurements).
//
// ALERT asks of every input that it meets the goals by itself. Goals on averages are cheaper to meet:
// accuracy is bought where it is cheap (the quiet phases), and two neighbouring configurations are mixed
// where one alone would overshoot. The condition for the best choice is that one price holds for all inputs:
//     least  energy - price * accuracy + late price * P(late)     [all as expected]
// for both tasks. Finding the price without the future is the rest of the algorithm:
//
//   slow-down   a distribution over two regimes (estimate/regime_histogram.h) predicts accuracy, energy and
//               lateness of each configuration.
//   price       starts where the first choice is expected to meet the goal, and then integrates the surplus
//               of the *predicted* value over the goal, which is less noisy than the delivered one.
//   bank        sums the *delivered* surplus over the judged inputs, in units of the candidates' range of
//               accuracy (energy). What it lacks is asked of the next 30 to 60 inputs, in addition to the
//               goal, so errors of the model don't add up.
//   reserve     what the bank shall hold, because the run may end at any time. It grows each time the bank
//               falls below 0, and shrinks slowly.
//   late price  rises if more inputs (groups) are late than a target below the allowed 10 %.
//
// Knows: profile, goals, and what it observed; with `horizon` "known" the number of inputs as well.
// Promises: none for a single input. A goal on average that some mixture of configurations meets is met but
// for a few in a hundred settings; one that nothing meets makes the price stop at its limit, which is the
// most accurate configuration (the cheapest one for min_error). Goals that are judged input by input
// (Judge::strict) are treated as averages all the same.
// Fails: in short runs (the reserve costs its size over the number of inputs); if a miss costs as much as 20
// inputs' range of accuracy, a cluster of misses makes accuracy dear for a while; long phases of the
// co-runner swing the bank; in bad phases accuracy is given up on purpose (`accuracy_floor` limits that); a
// run whose groups are due after a fraction of their usual time is late with more than the target under
// spikes.
//
// Energy is the profile's active power for the time of work, and idle power for the rest. Both follow what
// is measured: the idle power, and the ratio of measured energy to this model's. The bank takes the measured
// energy; if there is none, the model's energy of the measured time.
//
// Groups: an anytime network is planned with its share of the group's time. A traditional one may also use
// 15 % of the time that is left if the members to come need 1.3 times the mean of the fastest network.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "estimate/regime_histogram.h"
#include "schedulers/decision_overhead.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// An *input's worth* is the range of accuracy between the least and the most accurate stage of the candidates
// (min_error: the energy of a period at the highest active power, above idling).
struct PriceSettings {
  RegimeHistogramConstants slowdown;
  // true: the price decides, as above. false, to compare: the least energy that is expected to meet the goal
  // (plus what the bank asks for) on this input; if none, the most accurate. min_error accordingly.
  bool by_price = true;
  double gain = 0.05;  // of the price's logarithm, per input's worth
  double swing = 5;    // the logarithm also moves at once by this times what the bank asks for
  bool bank = true;    // false: asks for nothing; the price follows the predictions alone
  // What the bank lacks is asked of as many inputs as have been judged, but at least and at most these, and
  // at most `most_asked` inputs' worth of each.
  double shortest_inputs = 30, longest_inputs = 60, most_asked = 0.5;
  // true: what the bank lacks is asked of all inputs still to come instead. The bank may then swing further
  // in between, and more settings end just short of their goal.
  bool known_horizon = false;
  // In inputs' worth. The step is added when the bank falls below 0; `decay` is the share of what is above
  // the start that is lost per input.
  double reserve = 6, reserve_step = 5, most_reserve = 25, reserve_decay = 0.002;
  bool late_price = true;
  double late_share = 0.07, late_gain = 0.1;            // target, and price per late input above it
  double late_group_share = 0.05, late_group_gain = 2;  // the same for groups
  double group_slack = 0.15;
  // Configurations expected to be less accurate are not chosen; if all are, the most accurate one is.
  std::optional<double> accuracy_floor;
  // The share of each new measurement in the idle power, and in the ratio of measured to predicted energy;
  // 0: the profile's.
  double power_gain = 0.05;
  OverheadSettings overhead;

  static PriceSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;        // all effective settings; read() accepts them
};

class Price : public Scheduler {
 public:
  // InputError if settings.known_horizon and inputs.total_inputs is empty.
  Price(const SchedulerInputs& inputs, const PriceSettings& settings);

  // The first call also searches for the first price, which takes as long as 24 decisions.
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

  std::optional<Slowdown> slowdown() const override;
  std::optional<Prediction> prediction() const override { return prediction_; }

 private:
  struct Row {
    int model = 0, stage = 1;
    bool anytime = false;
    double accuracy_step = 0;  // compared with the stage before it, or with a missed deadline
  };
  size_t at(size_t row) const { return row * caps_; }
  void scale_to(double size);
  void predict(const Context& context, double deadline_s);
  void find_first_price();
  double log_price() const;
  size_t choose(double log_price);
  size_t choose_by_goal();
  void learn_power(const Observation& observation);
  double power_ratio() const;  // measured energy over the model's
  double modelled_energy_j(const Observation& observation) const;
  void account_late(bool late);
  void account(const Observation& observation);
  double asked() const;

  const Profile& profile_;
  const Goals goals_;
  const int64_t first_judged_;
  const int64_t total_inputs_;  // -1: not used
  const PriceSettings settings_;
  const size_t caps_;

  // Candidates by name; a row is one stage of one network. Per configuration, [row][cap]:
  std::vector<Row> rows_;
  std::vector<double> profiled_s_, log_profiled_;  // of an input of the mean size; log as RegimeHistogram's
  std::vector<double> end_s_, log_end_;            // of the present input
  std::vector<double> active_w_;
  std::vector<double> in_time_, accuracy_, energy_j_, late_;  // expected, of the present decision
  std::vector<double> score_;                                 // the lowest wins
  std::vector<double> within_, within_mean_;                  // of one row, [cap]: RegimeHistogram::Part
  double size_ = 1, fastest_s_ = 0;
  double accuracy_worth_ = 1, energy_worth_ = 1;

  RegimeHistogram slowdown_;
  double observed_ratio_ = 0;
  DecisionOverhead overhead_;
  double idle_w_, measured_j_, modelled_j_;  // of a period, running means

  bool started_ = false;
  double log_price_ = 0, least_log_price_ = 0, most_log_price_ = 0;
  double late_debt_ = 0, late_price_ = 0;
  bool grouped_ = false, group_is_late_ = false;
  double bank_ = 0, reserve_, asked_ = 0;
  int64_t judged_ = 0;
  bool below_ = false;

  // Of the decision under way:
  int64_t input_ = 0, members_left_ = 1;
  double idle_charged_s_ = 0;
  double chosen_accuracy_ = 0, chosen_energy_j_ = 0;
  std::optional<Prediction> prediction_;
};

}  // namespace alertbench
