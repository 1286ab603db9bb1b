// What a recording holds: the finish time of every stage of every network under every cap on every input, all
// under the same co-runner schedule. Replay and the oracles turn it into outcomes.
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
  // How right a missed input is, [input]; empty: never.
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

// The stage times of all inputs by configuration: [row][cap][input]. For searches that look at whole runs.
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

// True where no input shares its deadline with another; where all are of the same size.
bool inputs_are_alone(const TruthTable& truth);
bool inputs_are_alike(const TruthTable& truth);

// The first input of a run that is judged: where the first group (an input alone is one) begins that has no
// member among the first `warmup` inputs. The number of inputs where there is none.
int64_t first_judged(const TruthTable& truth, int64_t warmup);
// True where input `n` opens a group, as every input does that shares its deadline with no other.
bool opens_group(const TruthTable& truth, int64_t n);

// How right stage `row` was on an input, and a miss. Only where truth.top1 is known.
Correctness correctness_of(const TruthTable& truth, int64_t input, int row);
Correctness missed_correctness_of(const TruthTable& truth, int64_t input);

// Outcome of a configuration on the recorded input context.input, energy by the profile's power model. Its
// times count from the start of the execution, as those of the context.
Outcome outcome_of(const TruthTable& truth, const Profile& profile, const Configuration& configuration,
                   const Context& context);

}  // namespace alertbench
