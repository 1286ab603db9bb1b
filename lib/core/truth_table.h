// The contents of a recording: the finish time of every stage of every network under every cap on every
// input, all under the same co-runner schedule. Replay and the oracles turn it into outcomes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/profile.h"
#include "core/types.h"

namespace alertbench {

struct TruthTable {
  int64_t inputs = 0;
  int rows = 0, caps = 0;           // as in the profile
  std::vector<double> stage_end_s;  // [input][row][cap], from the start of the execution, contention included
  // Measured correctness, [input][row]; empty where unknown.
  std::vector<uint8_t> top1, top5;
  std::vector<double> nll, f1;
  // Correctness of a missed input, [input]; empty: a miss is never right.
  std::vector<uint8_t> missed_top1, missed_top5;
  std::vector<double> missed_nll;
  std::vector<uint8_t> co_runner_on;  // [input]
  std::vector<int64_t> members_left;  // [input]; empty: 1
  std::vector<double> size;           // [input]; empty: 1

  InputFacts facts_of(int64_t input) const {
    const auto n = static_cast<size_t>(input);
    return {members_left.empty() ? 1 : members_left[n], size.empty() ? 1.0 : size[n]};
  }

  double end_s(int64_t input, int row, int cap) const {
    return stage_end_s[static_cast<size_t>((input * rows + row) * caps + cap)];
  }
};

// The stage times of all inputs by configuration, [row][cap][input], for searches over complete runs.
class TruthColumns {
 public:
  explicit TruthColumns(const TruthTable& truth);
  const double* end_s(int row, int cap) const {
    return stage_end_s_.data() + static_cast<size_t>((row * caps_ + cap) * inputs_);
  }

 private:
  const int64_t inputs_;
  const int caps_;
  std::vector<double> stage_end_s_;
};

// inputs_are_alone() is true if no input shares its deadline with another, and inputs_are_alike() if all have
// the same size.
bool inputs_are_alone(const TruthTable& truth);
bool inputs_are_alike(const TruthTable& truth);

// Returns the first judged input of a run: the start of the first group (a single input is a group) that has
// no member among the first `warmup` inputs. Returns the number of inputs if there is no such group.
int64_t first_judged(const TruthTable& truth, int64_t warmup);
// True if input `n` opens a group. Every input that shares its deadline with no other does.
bool opens_group(const TruthTable& truth, int64_t n);

// Return the correctness of stage `row` on an input, and of a miss. They may be called only if truth.top1 is
// known.
Correctness correctness_of(const TruthTable& truth, int64_t input, int row);
Correctness missed_correctness_of(const TruthTable& truth, int64_t input);

// Returns the outcome of a configuration on the recorded input context.input, with the energy of the
// profile's power model. Its times count from the start of the execution, like those of the context.
Outcome outcome_of(const TruthTable& truth, const Profile& profile, const Configuration& configuration,
                   const Context& context);

}  // namespace alertbench
