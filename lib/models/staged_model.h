// A network as the live environment runs it: stages, each of them some blocks to be run in order. Between two blocks
// the caller may look at the clock, idle, or stop. Needs no LibTorch, so that execution to a deadline can be tested
// with a made-up model.
#pragma once

#include <vector>

#include "workloads/workload.h"

namespace alertbench {

class StagedModel {
 public:
  virtual ~StagedModel() = default;
  virtual int stages() const = 0;
  virtual int blocks(int stage) const = 0;        // stage 0-based
  virtual void set_input(const Image& image) = 0;  // before the clock starts
  // Stage after stage, block after block, beginning at (0, 0) after set_input(), which need not be repeated
  // to run the same input again; stopping early is always allowed.
  virtual void run_block(int stage, int block) = 0;
  // The answer of a stage whose last block has run: one score per class. Not part of the timed run.
  virtual std::vector<float> scores(int stage) const = 0;
};

}  // namespace alertbench
