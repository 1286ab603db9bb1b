#include "schedulers/oracle.h"

#include <limits>
#include <tuple>

#include "core/violations.h"
#include "schedulers/candidates.h"

namespace alertbench {
namespace {

// The lowest is the best.
using Key = std::tuple<bool, double, double, double>;

Key key_of(const Goals& goals, const Outcome& outcome) {
  const double energy_j = outcome.energy_j.value_or(0);
  if (!violations_of(goals, outcome).any())
    return {false, 0, goals.task == Task::min_error ? -outcome.accuracy : 0, energy_j};
  const bool late = outcome.stage_delivered == 0;
  return {true, late ? outcome.latency_s : 0, -outcome.accuracy, energy_j};
}

}  // namespace

Oracle::Oracle(const SchedulerInputs& inputs)
    : profile_(inputs.profile),
      truth_(*inputs.truth),
      goals_(inputs.goals),
      configurations_(configurations_by_name(inputs.profile)) {}

Configuration Oracle::decide(const Context& context) {
  Key best{true, std::numeric_limits<double>::infinity(), 0, 0};
  Configuration choice = configurations_.front();
  for (const Configuration& c : configurations_) {
    const Key key =
        key_of(goals_, outcome_of(truth_, profile_, c, context.input, context.deadline_s, context.period_s));
    if (key < best) {
      best = key;
      choice = c;
    }
  }
  return choice;
}

}  // namespace alertbench
