// Samples an energy counter of hardware in the background.
#pragma once

#include <memory>

#include "power/power.h"

namespace alertbench {

// Calls sample() at this interval, on a thread of its own, until it is destroyed. The counter must outlive
// it.
class EnergySampler {
 public:
  EnergySampler(EnergyCounter& counter, double interval_s);
  ~EnergySampler();
  EnergySampler(const EnergySampler&) = delete;
  EnergySampler& operator=(const EnergySampler&) = delete;

 private:
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace alertbench
