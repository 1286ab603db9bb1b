// The lowest power cap that slows the network down by no more than a given factor, chosen once from the
// profile: the rule of Zeus' optimiser for power limits under a bound on slow-down (You, Chung, Chowdhury,
// NSDI 2023; class MaxSlowdownConstraint of its library). It observes nothing.
//
// It promises none of the goals: its bound is relative to the highest cap, whatever deadline, accuracy and
// energy budget are. Differences: Zeus limits the power of training on a GPU, and profiles each power limit
// at the start of a job; here the latencies are the profile's, the network is fixed (fixed_network.h), and
// the caps are those of the scenario.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/json_reader.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct ZeusStaticSettings {
  std::string network = "auto";  // see FixedNetwork
  // Mean latency over that under the highest cap, >= 1. Zeus leaves it to its user.
  double max_slowdown = 1.1;

  static ZeusStaticSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class ZeusStatic : public Scheduler {
 public:
  ZeusStatic(const SchedulerInputs& inputs, const ZeusStaticSettings& settings);
  Configuration decide(const Context&) override { return configuration_; }
  void observe(const Observation&) override {}

 private:
  Configuration configuration_;
};

}  // namespace alertbench
