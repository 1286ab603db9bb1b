// CoPPer (Imes, Zhang, Zhao, Hoffmann, ICAC 2019): soft deadlines by a power cap, without a model of what a
// cap does. It takes a speed-up to be proportional to the cap, follows the speed at the lowest cap with a
// filter, and lets the gain limit lower the cap again where more power did not help.
//
// It promises the deadline, on average. It ignores accuracy and the energy budget, and does the same for both
// tasks. It uses nothing of the profile but the caps (and the network, see fixed_network.h).
//
// Written after the authors' library libcopper (of 2019). Differences: CoPPer's caps are continuous, ours are
// steps: the controller stays continuous, and the nearest step is set. In libcopper the gain limit acts only
// while a log buffer is set, since it counts its calls with the counter of the log; here it always acts, from
// the second call on, as in its authors' own experiments. The rate is that of the last `window` inputs;
// libcopper leaves the choice to its caller.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "estimate/base_speed_filter.h"
#include "schedulers/fixed_network.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct CopperSettings {
  std::string network = "auto";  // see FixedNetwork
  double gain_limit = 0.5;       // a, 0 <= a < 1; 0: none. Its authors advise 0.5
  int window = 1;                // inputs per change of the cap

  static CopperSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class CopperController {
 public:
  // 0 < lowest_w <= highest_w. It starts at the highest cap.
  CopperController(double lowest_w, double highest_w, double gain_limit);

  // One call of libcopper: the cap in W after a rate (1/s, above 0), for a goal (1/s, above 0; both are
  // limited to 1e-100..1e100). With u1 the last speed-up over the lowest cap, e = goal - rate, e1 the last
  // error (at the start 0), x the base speed (estimate/base_speed_filter.h):
  //   u = u1 + e/x, within [1, highest/lowest]
  //   from the second call on also  u <- u * (1 - a / (|n1-n| + 1) * (1 - 1/(n+1))), within the same limits,
  //   n = |e|/goal, n1 = |e1|/goal
  double cap_w(double rate, double goal);

 private:
  const double lowest_w_, highest_speedup_, gain_limit_;
  BaseSpeedFilter base_speed_;
  double speedup_, last_error_ = 0;
  bool first_ = true;
};

class Copper : public Scheduler {
 public:
  Copper(const SchedulerInputs& inputs, const CopperSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  const FixedNetwork network_;
  const std::vector<double> caps_w_;
  const int window_;
  CopperController controller_;
  int cap_;
  double window_s_ = 0;  // latencies of `observed_` inputs since the last change
  int observed_ = 0;
};

}  // namespace alertbench
