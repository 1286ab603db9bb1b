#include "core/pacing.h"

namespace alertbench {

Context context_of(int64_t input, const Arrival& arrival, double size) {
  Context c;
  c.input = input;
  c.deadline_from_start_s = arrival.deadline_from_arrival_s - arrival.wait_s;
  c.group_deadline_from_start_s = arrival.group_deadline_from_arrival_s - arrival.wait_s;
  c.period_s = arrival.expected_period_s;
  c.idle_charged_s = arrival.idle_charged_s;
  c.members_left = arrival.members_left;
  c.size = size;
  return c;
}

Context true_context_of(int64_t input, const Arrival& arrival, double size) {
  Context c = context_of(input, arrival, size);
  c.period_s = arrival.period_s;
  return c;
}

Arrival Pacing::arrive(int64_t members_left) {
  Arrival a;
  double gone_s = 0;  // of the group's time
  if (members_left >= 1 && members_left == left_ - 1) {
    a.arrival_s = end_s_;
    gone_s = end_s_ - group_arrival_s_;
  } else {
    if (arrivals_ == Arrivals::timed)
      group_arrival_s_ = arrivals_.time_s(arrived_);
    else if (members_ > 0)
      group_arrival_s_ += static_cast<double>(members_) * deadline_s_;
    if (arrivals_ == Arrivals::closed) group_arrival_s_ = std::max(group_arrival_s_, end_s_);
    ++arrived_;
    members_ = std::max<int64_t>(1, members_left);
    a.arrival_s = group_arrival_s_;
    a.wait_s = gone_s = spent_s_ = std::max(0.0, end_s_ - group_arrival_s_);
    idle_charged_s_ = 0;
  }
  left_ = members_left;
  a.members_left = std::max<int64_t>(1, left_);
  const double left_s = static_cast<double>(members_) * deadline_s_ - gone_s;
  a.deadline_from_arrival_s =
      members_ == 1 ? deadline_s_ : std::max(0.0, a.wait_s + left_s / static_cast<double>(left_));
  a.group_deadline_from_arrival_s = members_ == 1 ? deadline_s_ : std::max(0.0, a.wait_s + left_s);
  const auto periods = static_cast<double>(members_ - left_ + 1);
  const auto rest_s = [&](double period_s) { return std::max(0.0, periods * period_s - spent_s_); };
  a.period_s = period_s_ = rest_s(arrivals_.period_s(arrived_ - 1, deadline_s_));
  a.expected_period_s = rest_s(arrivals_.mean_period_s(deadline_s_));
  a.idle_charged_s = idle_charged_s_;
  return a;
}

}  // namespace alertbench
