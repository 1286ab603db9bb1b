#include "core/violations.h"

namespace alertbench {

Violations violations_of(const Goals& goals, const Outcome& outcome) {
  Violations v;
  v.deadline = outcome.stage_delivered == 0;
  if (goals.task == Task::min_energy && goals.accuracy) v.accuracy = outcome.accuracy < *goals.accuracy;
  if (goals.task == Task::min_error && goals.energy_j && outcome.energy_j)
    v.energy = *outcome.energy_j > *goals.energy_j;
  return v;
}

}  // namespace alertbench
