// POET (Imes, Kim, Maggio, Hoffmann, RTAS 2015) as its authors run it: one network for the whole run, whose
// inputs come at a rate that POET keeps at one per deadline with the least energy, by the cap alone. The
// controller is that of poet_controller.h, call by call libpoet's, with a window of 20 inputs.
//
// It promises the deadline, and softly: within a window some inputs are slower and some faster than planned,
// and it is their *mean* rate that is right. It ignores accuracy and the energy budget, and does the same for
// both tasks. It differs from sys-only in the window, which makes the division of time and the least energy
// possible, and in the network (fixed_network.h).
//
// Differences from the paper: caps instead of cores and clocks; no idle state, since an input does not start
// before it arrives; deadlines instead of heartbeats, so that the goal may change from input to input: a plan
// is made for the deadline of the input that it begins with.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "schedulers/fixed_network.h"
#include "schedulers/poet_controller.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct PoetAloneSettings {
  std::string network = "auto";  // see FixedNetwork
  PoetSettings controller = with_window();

  static PoetAloneSettings read(JsonReader reader);  // strict; the controller's keys stand beside `network`
  nlohmann::ordered_json to_json() const;

 private:
  static PoetSettings with_window();
};

class Poet : public Scheduler {
 public:
  Poet(const SchedulerInputs& inputs, const PoetAloneSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  const FixedNetwork network_;
  PoetController controller_;
};

}  // namespace alertbench
