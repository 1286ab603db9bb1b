// A network as the live environment runs it: stages, each of them some blocks to be run in order. Between two
// blocks the caller may look at the clock, idle, or stop. Needs no LibTorch, so that execution to a deadline
// can be tested with a fake model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "workloads/workload.h"

namespace alertbench {

class StagedModel {
 public:
  virtual ~StagedModel() = default;
  virtual int stages() const = 0;
  virtual int blocks(int stage) const = 0;  // stage 0-based; of the input that was set, where that matters
  // Before the clock starts. InputError if the network does not take this kind of input.
  virtual void set_input(const NetworkInput& input) = 0;
  // Stage after stage, block after block, beginning at (0, 0) after set_input(), which need not be repeated
  // to run the same input again; stopping early is always allowed.
  virtual void run_block(int stage, int block) = 0;
  // False: but for the last of a stage, blocks are ordered from a device, and not done when run_block()
  // returns; the clock between them means nothing.
  virtual bool blocks_done_at_return() const { return true; }
  // The answer of a stage whose last block has run: one score per class, which the workload judges. Not part
  // of the timed run.
  virtual std::vector<float> scores(int stage) const = 0;
  // By the clock of a device of its own (a GPU): from when the device began with the run, the copy of the
  // input included, to the end of this stage in the last run. None on the processor, where the device's clock
  // cannot be read, and where the run did not come to the stage's end. Not part of the timed run.
  virtual std::optional<double> device_time_s(int /*stage*/) const { return {}; }
};

// The kind of input that a network takes, out of all there are; InputError if it is another.
template <class Kind>
const Kind& input_of_kind(const NetworkInput& input, const char* kind) {
  const Kind* found = std::get_if<Kind>(&input);
  if (!found)
    throw InputError(std::string("this network reads ") + kind +
                     ", but the workload provides something else");
  return *found;
}

}  // namespace alertbench
