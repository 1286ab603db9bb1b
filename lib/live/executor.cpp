#include "live/executor.h"

namespace alertbench {
namespace {

// Computing is slower behind each idle spell, since caches have cooled: in pieces of 2 ms, networks of 50 ms
// came out up to 6 % too slow under a low cap, in pieces of 10 ms up to 3 %.
constexpr double smallest_idle_s = 10e-3;

}  // namespace

Execution execute(StagedModel& model, const ExecutionOrder& order, Clock& clock) {
  Execution e;
  e.start_s = clock.now_s();
  const double stretch = 1.0 / order.speed;
  const bool looks_between = model.blocks_done_at_return();
  double computed_s = 0;
  double block_start_s = e.start_s;
  double due_s = e.start_s;
  // Nothing is begun that is too late already, as in replay.
  e.stopped = e.start_s >= order.stop_at_s;
  e.overshoot_s = e.stopped ? e.start_s - order.stop_at_s : 0;
  for (int stage = 0; stage < order.target_stage && !e.stopped; ++stage) {
    const int blocks = model.blocks(stage);
    for (int block = 0; block < blocks; ++block) {
      model.run_block(stage, block);
      const bool stage_done = block + 1 == blocks;
      if (!stage_done && !looks_between) continue;
      double now = clock.now_s();
      computed_s += now - block_start_s;
      due_s = order.speed < 1.0 ? e.start_s + computed_s * stretch : now;
      if (due_s > now && (stage_done || due_s - now >= smallest_idle_s || due_s >= order.stop_at_s)) {
        clock.sleep_until(due_s);
        now = clock.now_s();
      }
      block_start_s = now;
      if (stage_done) {
        e.stage_end_s[static_cast<size_t>(stage)] = now - e.start_s;
        e.stages_finished = stage + 1;
      }
      if (due_s >= order.stop_at_s && e.stages_finished < order.target_stage) {
        e.stopped = true;
        e.overshoot_s = now - order.stop_at_s;
        break;
      }
    }
  }
  e.busy_s = block_start_s - e.start_s;
  return e;
}

}  // namespace alertbench
