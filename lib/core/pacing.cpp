#include "core/pacing.h"

#include <algorithm>

namespace alertbench {

Arrival Pacing::arrive(int64_t members_left) {
  Arrival a;
  double gone_s = 0;  // of the group's time
  if (members_left >= 1 && members_left == left_ - 1) {
    a.arrival_s = end_s_;
    gone_s = end_s_ - group_arrival_s_;
  } else {
    if (members_ > 0) group_arrival_s_ += static_cast<double>(members_) * deadline_s_;
    if (arrivals_ == Arrivals::closed) group_arrival_s_ = std::max(group_arrival_s_, end_s_);
    members_ = std::max<int64_t>(1, members_left);
    a.arrival_s = group_arrival_s_;
    a.wait_s = gone_s = charged_s_ = std::max(0.0, end_s_ - group_arrival_s_);
  }
  left_ = members_left;
  const double left_s = static_cast<double>(members_) * deadline_s_ - gone_s;
  a.deadline_s = members_ == 1 ? deadline_s_ : std::max(0.0, a.wait_s + left_s / static_cast<double>(left_));
  const auto slots = static_cast<double>(members_ - left_ + 1);
  a.period_s = period_s_ = std::max(0.0, slots * deadline_s_ - charged_s_);
  return a;
}

void Pacing::executed(double end_s, double busy_s) {
  end_s_ = end_s;
  charged_s_ += std::max(busy_s, period_s_);
}

}  // namespace alertbench
