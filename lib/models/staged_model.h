// A network as the live environment runs it: it has stages, and each stage has blocks to be run in order.
// Between two blocks the caller may read the clock, idle, or stop. Needs no LibTorch, so that execution to a
// deadline can be tested with a fake model.
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
  virtual int blocks(int stage) const = 0;  // stage is 0-based; the number may depend on the current input
  // Call it before the clock starts. InputError if the network does not accept this kind of input.
  virtual void set_input(const NetworkInput& input) = 0;
  // Must be called stage after stage and block after block, beginning at (0, 0) after set_input(). To run the
  // same input again, set_input() need not be repeated. Stopping early is always allowed.
  virtual void run_block(int stage, int block) = 0;
  // False means that all blocks except the last of a stage are only queued on a device, and may not be
  // finished when run_block() returns; the clock between them means nothing.
  virtual bool blocks_done_at_return() const { return true; }
  // Returns the answer of a stage whose last block has run: one score per class, which the workload judges.
  // This is not part of the timed run.
  virtual std::vector<float> scores(int stage) const = 0;
  // Returns the time of the last run by the clock of a separate device (a GPU): from when the device began
  // the run, including the copy of the input, to the end of this stage. Returns nullopt on the processor, if
  // the device's clock cannot be read, and if the run did not reach the end of the stage. This is not part of
  // the timed run.
  virtual std::optional<double> device_time_s(int /*stage*/) const { return {}; }
  // Returns whether the weights of all convolutions are rearranged for the code that runs them (oneDNN's, or
  // models/direct_conv.h), except those that are faster without. False means that this LibTorch cannot: the
  // network is slower than it would be with another one. Returns nullopt if the network has none to
  // rearrange, and on other devices.
  virtual std::optional<bool> prepacked() const { return {}; }
};

// Returns the input as the kind that a network accepts; InputError if it is of another kind.
template <class Kind>
const Kind& input_of_kind(const NetworkInput& input, const char* kind) {
  const Kind* found = std::get_if<Kind>(&input);
  if (!found)
    throw InputError(std::string("this network reads ") + kind +
                     ", but the workload provides something else");
  return *found;
}

}  // namespace alertbench
