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
  // Absolute, on the clock. Infinity: run to the target, however long it takes.
  double stop_at_s = std::numeric_limits<double>::infinity();
  double speed = 1.0;  // of an emulated cap, 0 < speed <= 1
};

struct Execution {
  double start_s = 0;                            // absolute
  std::array<double, max_stages> stage_end_s{};  // from start_s
  int stages_finished = 0;
  double busy_s = 0;       // start to end
  bool stopped = false;    // at stop_at_s, before the target was done
  double overshoot_s = 0;  // how long after stop_at_s it ended, if stopped
};

// Runs a network whose input has been set. A cap of speed s stretches the run: t seconds of computing must
// take t / s. Whenever computing is 10 ms ahead of that, and at the end of every stage, the thread idles
// until it is no longer ahead. So every stage takes 1/s times as long, and the check for a stop (between
// blocks) sees the stretched time.
Execution execute(StagedModel& model, const ExecutionOrder& order, Clock& clock);

}  // namespace alertbench
