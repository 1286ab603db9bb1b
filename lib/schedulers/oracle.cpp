#include "schedulers/oracle.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace alertbench {
namespace {

// The lowest is the best.
using Key = std::tuple<bool, double, double, double>;

Key key_of(Task task, const TrueOutcome& o) {
  if (!o.violated) return {false, 0, task == Task::min_error ? -o.accuracy : 0, o.energy_j};
  return {true, o.stage_delivered == 0 ? o.latency_s : 0, -o.accuracy, o.energy_j};
}

}  // namespace

Oracle::Oracle(const SchedulerInputs& inputs)
    : outcomes_(*inputs.truth, inputs.profile, inputs.goals),
      task_(inputs.goals.task),
      arrivals_(inputs.arrivals),
      deadline_s_(inputs.goals.deadline_s) {}

Configuration Oracle::decide(const Context& context) {
  Key best{true, std::numeric_limits<double>::infinity(), 0, 0};
  size_t choice = 0;
  Context plan = context;
  plan.group_deadline_from_start_s = plan.deadline_from_start_s;  // each member keeps to its share
  if (arrivals_ == Arrivals::timed) {
    const double waited_s = deadline_s_ - context.deadline_from_start_s;
    plan.period_s = std::max(0.0, arrivals_.period_s(context.input, deadline_s_) - waited_s);
  }
  for (size_t k = 0; k < outcomes_.size(); ++k) {
    const Key key = key_of(task_, outcomes_.at(k, plan));
    if (key < best) {
      best = key;
      choice = k;
    }
  }
  return outcomes_.configuration(choice);
}

}  // namespace alertbench
