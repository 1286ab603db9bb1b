#pragma once

#include <optional>

#include "core/types.h"

namespace alertbench {

// Which goals an outcome broke; nullopt: the task has no such goal.
struct Violations {
  bool deadline = false;
  std::optional<bool> accuracy, energy;
  bool any() const { return deadline || accuracy.value_or(false) || energy.value_or(false); }
};

// deadline: nothing was delivered in time. accuracy (min_energy): delivered < goal. energy (min_error): used > budget.
Violations violations_of(const Goals& goals, const Outcome& outcome);

}  // namespace alertbench
