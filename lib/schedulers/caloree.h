// CALOREE (Mishra, Imes, Lafferty, Hoffmann, ASPLOS 2018): POET's control of the mean rate, with a table of
// speed-ups and powers that is learned and not profiled, and with a pole that follows from how uncertain the
// learner is.
//
// The application that is new to it is the network that it runs (fixed_network.h): nothing of that one's own
// profile is used. The applications that it has seen are the other networks of the profile, each with its
// last stage. LEO (leo_learner.h) joins their speeds and powers under every cap with the samples of this run.
//   1. The first `samples` inputs run under caps spread evenly over the range, the highest first.
//   2. The learner gives speed-ups s and their standard deviations. With n caps, the multiplicative error is
//      taken as Delta = 1 + 3/n * sum(sd/s), and the pole is 1 - 2/Delta if Delta > 2, else 0: the loop is
//      then stable (Delta < 2/(1-pole)).
//   3. Every `window` inputs, with the rate r of the last window and e = 1/deadline - r: filter of the base
//      speed x (estimate/base_speed_filter.h); u <- u + (1-pole)*e/x within [1, s_max]; time is shared
//      between the neighbours of u on the lower convex hull of power over speed (energy_hull.h), rounded to
//      inputs as POET does, the slower first. With a window of 1 the upper neighbour runs.
//   4. Every `relearn` inputs it learns again, from the mean of the samples under each cap (exponential, 0.2
//      on the new one): speeds relative to x, and measured active power.
// With a single network in the profile there is nothing to learn from: it then uses that network's own
// profile, with a pole of 0, and samples nothing. Where energy is not measured, power is what the learner
// says without samples: what the other networks draw.
//
// It promises the deadline, on average, as POET does. It ignores accuracy and the energy budget, and does the
// same for both tasks.
//
// Differences from the paper, whose learner runs on another machine: learning takes place in observe(), here
// (a few hundred microseconds every `relearn` inputs); its hash table of configurations is a binary search;
// how the paper turns uncertainty into a pole could not be checked in its text, and three standard deviations
// are our reading; the caps that are sampled are spread evenly, where LEO draws at random.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "estimate/base_speed_filter.h"
#include "schedulers/energy_hull.h"
#include "schedulers/fixed_network.h"
#include "schedulers/leo_learner.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct CaloreeSettings {
  std::string network = "auto";  // see FixedNetwork
  int window = 20;               // inputs per plan
  int samples = 4;               // inputs of step 1; at most one per cap
  int relearn = 20;              // inputs; 0: learn once, after the samples

  static CaloreeSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

// Steps 2 and 3, for a table that can change.
class CaloreeController {
 public:
  // Starts at the last cap, without a table. `window` >= 1.
  CaloreeController(size_t caps, int window, const BaseSpeedConstants& constants = {});

  // speedup[0] is 1; both [cap], finite and above 0. Where a table was set before, base speed and requested
  // speed-up are converted into the unit of the new one, `scale` old units. No allocation.
  void set_table(const std::vector<double>& speedup, const std::vector<double>& power_w, double pole,
                 double scale);
  // Starts at the fastest cap of the table, with this rate (1/s, above 0) at a speed-up of 1.
  void start(double base_rate);

  int cap(double deadline_s);      // of the next input; as PoetController::cap
  void observe(double latency_s);  // above 0, finite

  double speedup() const { return requested_; }
  double base_speed() const { return base_speed_.value(); }

 private:
  void plan(double deadline_s);

  const int window_;
  BaseSpeedConstants constants_;
  EnergyHull hull_;
  std::vector<double> speedup_;
  double pole_ = 0, requested_ = 1;
  BaseSpeedFilter base_speed_;
  int slow_cap_, fast_cap_, slow_left_ = 0;
  double window_s_ = 0;
  int observed_ = 0;
};

class Caloree : public Scheduler {
 public:
  Caloree(const SchedulerInputs& inputs, const CaloreeSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  bool sampling() const { return sampled_ < sample_caps_.size(); }
  void learn();

  const FixedNetwork network_;
  const int relearn_;
  std::vector<int> sample_caps_;  // empty where there is nothing to learn from
  size_t sampled_ = 0;
  std::optional<LeoLearner> speeds_, powers_;
  // Per cap: the mean of the samples, in units of the base speed (1/s while sampling) and in W.
  std::vector<double> rate_, power_w_;
  std::vector<char> has_rate_, has_power_;
  std::vector<double> scaled_, speedup_, old_speedup_, power_table_;
  int since_learned_ = 0;
  double idle_charged_s_ = 0;  // of the present input
  CaloreeController controller_;
};

}  // namespace alertbench
