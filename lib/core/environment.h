// Carries out decisions: live (LibTorch, co-runner, caps) or replay (a recording).
#pragma once

#include <string>

#include "core/pacing.h"
#include "core/types.h"

namespace alertbench {

class Environment {
 public:
  virtual ~Environment() = default;
  // Waits for the input (live), or advances the clock to its arrival (replay). Inputs must be passed in
  // order.
  virtual Arrival arrive(int64_t input) = 0;
  virtual double size(int64_t input) const = 0;  // of an input, divided by the profile's mean size
  // Executes the decision; all times of the outcome count from the arrival.
  virtual Outcome execute(const Configuration& configuration, const Context& context) = 0;
  virtual std::string mode() const = 0;  // "live" | "replay"
};

}  // namespace alertbench
