// Two-level control after SPECTR (Rahmani, Donyanavard, Muck, Moazzemi, Jantsch, Mutlu, Dutt, ASPLOS 2018): a
// controller with two inputs and two outputs (MIMO) follows references for rate and power, and a supervisor,
// a verified automaton (spectr_supervisor.h), switches its gains and moves its power reference. "Like",
// because the paper's controllers are identified from experiments and there is one for each cluster of cores;
// here is one, and its slopes come from the profile. No code of its authors was available.
//
// It controls network (with its stage) and cap together. It promises a rate of inputs of one per deadline,
// and a mean power within a limit:
//   min_error   limit and first power reference: the energy budget over the deadline
//   min_energy  limit: the active power under the highest cap, which is never exceeded. First reference: the
//               active power of the configuration with the least energy of a period among those that, by the
//               profile, meet accuracy goal and deadline (the highest if none does). The supervisor lowers it
//               while no input is late. Networks less accurate than the goal are left out.
// Accuracy follows from rate and power: a slower network uses up the time. It is not controlled beyond that,
// and the rate is right on average, so single inputs are late; `margin` moves the rate away from the
// deadline.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "schedulers/ladder.h"
#include "schedulers/scheduler.h"
#include "schedulers/spectr_supervisor.h"

namespace alertbench {

struct SpectrSettings {
  int period = 5;        // inputs per period of the supervisor
  double step = 0.05;    // of the power reference, share of the limit
  double margin = 0.1;   // share of the deadline that the rate reference stays away from it, 0 <= margin < 1
  double priority = 30;  // weight of the preferred output over the other one, >= 1
  double network_effort = 2, cap_effort = 1;  // R: the more, the less that input is moved; above 0
  // How the continuous inputs become a network and a cap: those with the `nearest` log speeds, or (`up`) the
  // slowest that are at least as fast, or else the fastest.
  std::string rounding = "nearest";
  // The inputs that the next increment is added to: those `requested`, so that what rounding leaves adds up
  // until it is made good on average, or those `applied`, so that it is forgotten.
  std::string feedback = "requested";
  double late_share = 0.1;                        // of a period's inputs, above which the event is `late`
  double critical = 1, above = 0.95, safe = 0.9;  // shares of the power limit; safe <= above <= critical

  static SpectrSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

using Matrix2 = std::array<std::array<double, 2>, 2>;  // [row][column]

// The gain of linear-quadratic tracking for a plant that answers at once, y+ = y + slope * du: the increment
// du = gain * e that minimises (e - slope * du)' Q (e - slope * du) + du' R du is
//   gain = (slope' Q slope + R)^-1 slope' Q,   Q = diag(weight), R = diag(effort)
// The loop's poles are the eigenvalues of I - slope * gain: all in (0, 1], 1 only where slope' is singular.
// Efforts are above 0, or at least 0 if the slope is invertible (then the gain is its inverse: deadbeat).
Matrix2 lq_gain(const Matrix2& slope, const std::array<double, 2>& weight,
                const std::array<double, 2>& effort);

class SpectrLike : public Scheduler {
 public:
  SpectrLike(const SchedulerInputs& inputs, const SpectrSettings& settings);

  // Rounds the continuous inputs to a rung of the ladder and a cap.
  Configuration decide(const Context& context) override;

  // Outputs: y = (log rate, active power), each over half of its range in the profile. Inputs: u = (log
  // speed-up of the network, log speed of the cap), each in its range in the profile. Both rate and speeds
  // are for inputs of the mean size. u += lq_gain * (reference - y), with the slopes of the profile at the
  // configuration that ran. If a component reaches the end of its range, it stays there and the other one
  // minimises the rest alone (anti-windup). Energy that was not measured is the profile's. Every `period`
  // inputs the supervisor sees their lateness and mean energy.
  void observe(const Observation& observation) override;

  SpectrSupervisor::Gains gains() const { return supervisor_.gains(); }
  double power_reference_w() const { return reference_w_; }

 private:
  struct Slope {
    double network_w = 0, cap_w = 0;  // of active power over the log speeds of network and cap
  };
  struct Range {
    double low = 0, high = 0;
    double half() const;  // above 0
  };
  size_t at(size_t rung, size_t cap) const { return rung * static_cast<size_t>(profile_.caps()) + cap; }
  double active_w(size_t rung, size_t cap) const;
  double first_reference_w(const Goals& goals) const;
  void move(const Slope& slope, double rate_error, double power_error);
  void supervise();

  const Profile& profile_;
  const SpectrSettings settings_;
  const bool saves_, rounds_up_, applied_;
  const double deadline_s_;
  const std::vector<Rung> rungs_;
  std::vector<double> network_log_;  // [rung], rising
  std::vector<double> cap_log_;      // [rung][cap], over the highest cap: 0 there
  std::vector<Slope> slopes_;        // [rung][cap]
  Range log_rate_, power_w_, network_range_, cap_range_;
  SpectrSupervisor supervisor_;
  double limit_w_ = 0, reference_w_ = 0;
  double network_u_ = 0, cap_u_ = 0;
  // Of the last decision.
  size_t rung_ = 0;
  double deadline_from_start_s_ = 0, idle_charged_s_ = 0;
  // Of the supervisor's period.
  int inputs_ = 0, late_ = 0;
  double energy_j_ = 0;
};

}  // namespace alertbench
