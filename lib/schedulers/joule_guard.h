// A budget of joules for a whole run, after JouleGuard (Hoffmann, SOSP 2015): a bandit finds the most
// efficient power cap, and a PI controller of the application's speed-up picks the most accurate network with
// which the joules that are left last for the inputs that are left. Restated from the literature; no code of
// its authors was available.
//
// It controls both, the cap and the network (with its stage). It promises one thing, the energy of the whole
// run: (energy budget of a period) * (inputs of the run). A single period may exceed its budget. It knows no
// deadline and no accuracy goal, so missed deadlines are not its failure. Under min_energy it has no budget,
// and so runs the most accurate network under the cap that it finds most efficient.
//
// Over the 341 feasible least-error settings of the reference recordings it uses 1.000 of its budget at the
// median and 1.106 at worst. It controls rates, and energy goes by their inverse, which may be the reason;
// that was not tested.
//
// Its user states work and joules in advance, so it may know how many inputs a run has.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/random.h"
#include "schedulers/ladder.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct JouleGuardSettings {
  // What it believes of the caps at first, [cap]: rates of the most accurate network, powers above idle.
  //   optimistic  knows only the caps: power equals the cap and is cubic in the clock, rate is linear in it,
  //               from the profiled latency of the most accurate network under the highest cap
  //   profile     the profiled latencies and powers of that network
  std::string start = "optimistic";
  uint64_t seed = 1;       // of its own random numbers, which choose the caps to explore
  double weight = 0.85;    // of the newest sample in a cap's rate and power, 0 < weight <= 1
  double sigma = 5;        // how large an error of efficiency restarts exploring; above 0
  double exploration = 1;  // probability of a random cap at the start
  // Inputs that the budget is for. Default: the judged inputs of the run, or 1000 if the run does not know
  // how many there will be. When they are used up, the budget of as many more is added.
  std::optional<int> inputs;

  static JouleGuardSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class JouleGuard : public Scheduler {
 public:
  JouleGuard(const SchedulerInputs& inputs, const JouleGuardSettings& settings);

  // With probability epsilon a random cap, otherwise the one with the highest rate over power above idle (the
  // lowest of equal ones); and the most accurate network that is at least s times as fast as the most
  // accurate one.
  Configuration decide(const Context& context) override;

  // With cap j, the measured rate r (1/s) of the network that ran, r/s_ran that of the most accurate one, and
  // p the power above idle, which the machine draws in any case (paced inputs leave it idle for the rest of
  // the period):
  //   d = weight * (r/s_ran / p - r_j/p_j) / (the best efficiency believed at the start)
  //   f = (1 - exp(-|d|/sigma)) / (1 + exp(-|d|/sigma));  epsilon += (f - epsilon) / caps     (VDBE, Tokic)
  //   off = max(r/s_ran / r_j, its inverse);  pole = off > 2 ? 1 - 2/off : 0
  //   r_j, p_j move towards the samples by `weight`; b is then the most efficient cap
  //   r* = W * p_b / E, W inputs and E joules above idle left;  s += (1-pole) * (r* - r) / r_b, in [1, s_max]
  // With no joules left, s = s_max. During the warm-up, whose energy nobody judges, W and E stay whole.
  // Energy that was not measured is the profile's.
  void observe(const Observation& observation) override;

  double speedup() const { return speedup_; }          // s
  double exploration() const { return exploration_; }  // epsilon
  double joules_left() const { return joules_left_; }  // with idle power; 0 without a budget

 private:
  size_t best_cap() const;
  void plan(double rate, double off);

  const Profile& profile_;
  const JouleGuardSettings settings_;
  const std::optional<double> budget_j_;  // of a period
  const double deadline_s_;
  const int64_t first_judged_, horizon_;
  const std::vector<Rung> rungs_;
  std::vector<double> rate_, power_w_;  // [cap]
  double best_efficiency_ = 1;
  Random random_;
  double exploration_, speedup_ = 1, joules_left_ = 0;
  int64_t inputs_left_ = 0;
  // Of the last decision.
  size_t rung_ = 0;
  int64_t input_ = 0;
  double idle_charged_s_ = 0;
};

}  // namespace alertbench
