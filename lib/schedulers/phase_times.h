// The true distributions of a recording: the times of each stage under each cap while the co-runner is on,
// and while it is off, scaled to the mean size of the inputs. They come from the judged inputs, or from the
// warm-up if a phase has no judged inputs. They are computed once per recording, and any number of settings
// can share them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/profile.h"
#include "core/truth_table.h"

namespace alertbench {

// A distribution of equally likely times in seconds.
class Times {
 public:
  explicit Times(std::vector<double> times_s);
  double share_within(double limit_s) const;  // P(time <= limit)
  double mean_up_to(double limit_s) const;    // E[min(time, limit)]
  double mean() const { return sum_s_.back() / count_; }

 private:
  size_t within(double limit_s) const;  // how many are <= limit

  static constexpr size_t buckets = 128;
  std::vector<double> sorted_s_, sum_s_;  // rising; sums of the first k
  std::array<uint32_t, buckets + 2>
      begin_{};  // of each bucket of equal width, between the first and the last but few
  double count_ = 1, low_s_ = 0, per_second_ = 0;
};

class PhaseTimes {
 public:
  PhaseTimes(const TruthTable& truth, const Profile& profile, int64_t first_judged);
  // Phase 0: the co-runner is off, 1: on. Only for phases that the recording has.
  const Times& of(int phase, int row, int cap) const {
    return times_[static_cast<size_t>((phase * rows_ + row) * caps_ + cap)];
  }

 private:
  const int rows_, caps_;
  std::vector<Times> times_;
};

// Returns the first input that represents a phase: the first judged one, or the first input of all if the
// phase has no judged one.
int64_t first_of_phase(const TruthTable& truth, int phase, int64_t first_judged);

// 0 or 1, see PhaseTimes.
inline int phase_of(const TruthTable& truth, int64_t input) {
  return !truth.co_runner_on.empty() && truth.co_runner_on[static_cast<size_t>(input)] != 0;
}

}  // namespace alertbench
