// A goal for the mean of a window of inputs, as a goal for the next input.
#pragma once

#include <cstddef>
#include <vector>

namespace alertbench {

// The goal of the next input is what brings the mean over it and the inputs before it, `inputs` together, to
// the goal. While fewer have been seen, over as many as there are.
class GoalWindow {
 public:
  // 0: off, each input has the goal itself.
  explicit GoalWindow(int inputs) : seen_(inputs > 1 ? static_cast<size_t>(inputs - 1) : 0) {}

  bool on() const { return !seen_.empty(); }
  double next(double goal) const { return goal + (goal * static_cast<double>(count_) - sum_); }
  void add(double value) {
    if (!on()) return;
    if (count_ == seen_.size())
      sum_ -= seen_[at_];
    else
      ++count_;
    seen_[at_] = value;
    sum_ += value;
    at_ = (at_ + 1) % seen_.size();
  }

 private:
  std::vector<double> seen_;  // a ring
  size_t at_ = 0, count_ = 0;
  double sum_ = 0;
};

}  // namespace alertbench
