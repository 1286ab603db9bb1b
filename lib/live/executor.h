// Runs one input through a network: stage by stage, block by block, under an emulated cap, to a target or a
// deadline.
#pragma once

#include <array>
#include <limits>

#include "base/clock.h"
#include "core/types.h"
#include "models/staged_model.h"

namespace alertbench {

struct ExecutionOrder {
  int target_stage = 1;  // 1-based
  // Absolute, on the clock. Infinity: run to the target whatever the time.
  double stop_at_s = std::numeric_limits<double>::infinity();
  double speed = 1.0;  // of an emulated cap, 0 < speed <= 1
};

struct Execution {
  double start_s = 0;                            // absolute
  std::array<double, max_stages> stage_end_s{};  // from start_s
  int stages_finished = 0;
  double busy_s = 0;       // start to end
  bool stopped = false;    // at stop_at_s, before the target was done
  double overshoot_s = 0;  // how long past stop_at_s it ended, if stopped
};

// The input must have been set. A cap of speed s stretches the run: whenever computing has run ahead of
// computed / s by 10 ms, and at the end of every stage, the thread idles until it has not. So every stage
// takes 1/s of its time, and the clock that a stop looks at (between blocks) is the stretched one.
Execution execute(StagedModel& model, const ExecutionOrder& order, Clock& clock);

}  // namespace alertbench
