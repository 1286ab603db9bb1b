// Where decisions come true: live (LibTorch, co-runner, caps) or replay (a recording).
#pragma once

#include <string>

#include "core/types.h"

namespace alertbench {

// closed: an input arrives one period after the one before it, or when that one's execution ends, whichever is later.
// open: at a fixed rate; an overrun makes the next input wait.
enum class Arrivals { closed, open };

struct Arrival {
  double arrival_s = 0;  // from the start of this scheduler's run, idle turns of other schedulers not counted
  double wait_s = 0;     // by which the input waited for the one before it (open arrivals)
};

class Environment {
 public:
  virtual ~Environment() = default;
  // Waits for the input (live), or moves the clock there (replay). Inputs come in order.
  virtual Arrival arrive(int64_t input) = 0;
  // Runs the decision; all times of the outcome count from the arrival.
  virtual Outcome execute(const Configuration& configuration, const Context& context) = 0;
  virtual std::string mode() const = 0;  // "live" | "replay"
};

}  // namespace alertbench
