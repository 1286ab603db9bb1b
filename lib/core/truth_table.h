// What a recording holds: the finish time of every stage of every network under every cap on every input, all under the
// same co-runner schedule. And the one rule that turns it into an outcome, used by replay and by the oracles.
#pragma once

#include <cstdint>
#include <vector>

#include "core/profile.h"
#include "core/types.h"

namespace alertbench {

struct TruthTable {
  int64_t inputs = 0;
  int rows = 0, caps = 0;               // as in the profile
  std::vector<double> stage_end_s;      // [input][row][cap], from the start of the execution, contention included
  // Measured correctness, [input][row]; empty where unknown.
  std::vector<uint8_t> top1, top5;
  std::vector<double> nll, f1;
  // How right a missed input is, [input]; empty: never.
  std::vector<uint8_t> missed_top1, missed_top5;
  std::vector<double> missed_nll;
  std::vector<uint8_t> co_runner_on;    // [input]
  std::vector<int64_t> members_left;    // [input]; empty: 1
  std::vector<double> size;             // [input]; empty: 1

  InputFacts facts_of(int64_t input) const {
    const auto n = static_cast<size_t>(input);
    return {members_left.empty() ? 1 : members_left[n], size.empty() ? 1.0 : size[n]};
  }

  double end_s(int64_t input, int row, int cap) const {
    return stage_end_s[static_cast<size_t>((input * rows + row) * caps + cap)];
  }
};

// Applies the rules of delivery to true stage times (from the start of the execution), in place of running it:
// a traditional network runs to completion, an anytime one stops at its target stage or at the deadline.
// `deadline_s` counts from the start of the execution as well; `outcome` gets times, stages and accuracy.
// `stride` is the distance between stages in `stage_end_s`.
void deliver(const ModelProfile& model, double fail_accuracy, const double* stage_end_s, int stride, int target_stage,
             double deadline_s, Outcome& outcome);

// How right stage `row` was on an input, and a miss. Only where truth.top1 is known.
Correctness correctness_of(const TruthTable& truth, int64_t input, int row);
Correctness missed_correctness_of(const TruthTable& truth, int64_t input);

// Outcome of a configuration on a recorded input, energy by the profile's power model.
Outcome outcome_of(const TruthTable& truth, const Profile& profile, const Configuration& configuration,
                   int64_t input, double deadline_s, double period_s);

}  // namespace alertbench
