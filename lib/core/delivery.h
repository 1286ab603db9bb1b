// Defines what an execution delivers: the same rule live, in replay, and for oracles. All times count from
// the same origin; the caller chooses it.
#pragma once

#include <algorithm>

namespace alertbench {

// Returns the last of the first `count` stages that ended by `deadline_s` (1-based; 0: none).
// `stage_end_s(s)` returns the end of stage s, where s counts from 0; it must not decrease from stage to
// stage.
template <class StageEnd>
int last_stage_in_time(int count, double deadline_s, const StageEnd& stage_end_s) {
  while (count > 0 && !(stage_end_s(count - 1) <= deadline_s)) --count;
  return count;
}

// How far an execution gets, and what it delivers.
struct Delivery {
  int stages_finished = 0;
  int stage_delivered = 0;  // the last stage in time; 0: none
  // Of the delivered output; otherwise of the first output, or of the stop if there is no output.
  double latency_s = 0;
  double busy_s = 0;     // from the origin to the end of the execution
  bool stopped = false;  // at `stop_s`, short of the target
};

// A traditional network runs to completion. An anytime one ends with its target stage or at `stop_s`,
// whichever comes first. The last stage that ended by `deadline_s` is delivered (the deadline of the input or
// of its group, which must not come before `stop_s`).
template <class StageEnd>
Delivery deliver(bool anytime, int target_stage, double stop_s, double deadline_s,
                 const StageEnd& stage_end_s) {
  Delivery d;
  stop_s = std::max(0.0, stop_s);
  d.stages_finished = anytime ? last_stage_in_time(target_stage, stop_s, stage_end_s) : target_stage;
  d.stage_delivered = anytime ? d.stages_finished : last_stage_in_time(target_stage, deadline_s, stage_end_s);
  d.stopped = d.stages_finished < target_stage;
  d.busy_s = d.stopped ? stop_s : stage_end_s(target_stage - 1);
  d.latency_s = d.stage_delivered > 0   ? stage_end_s(d.stage_delivered - 1)
                : d.stages_finished > 0 ? stage_end_s(0)
                                        : d.busy_s;
  return d;
}

}  // namespace alertbench
