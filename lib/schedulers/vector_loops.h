// Searches over all configurations that compilers vectorise.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/vector_clones.h"
#include "core/types.h"

namespace alertbench {

// Returns the least value(i) of 0..n-1; infinity if n is 0. In lanes, because a single running minimum waits
// for itself at every step.
template <class Value>
ALERT_INLINE double least_of(size_t n, const Value& value) {
  constexpr size_t lanes = 8;
  double least[lanes];
  std::fill(least, least + lanes, infinity);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (size_t k = 0; k < lanes; ++k) least[k] = std::min(least[k], value(i + k));
  for (; i < n; ++i) least[0] = std::min(least[0], value(i));
  return *std::min_element(least, least + lanes);
}

// Returns the first of 0..n-1 that meets the condition, and the last one if none does. Block by block: few
// branches.
template <class Condition>
ALERT_INLINE size_t first_with(size_t n, const Condition& condition) {
  constexpr size_t block = 16;
  size_t i = 0;
  for (; i + block < n; i += block) {
    int met = 0;
    for (size_t k = 0; k < block; ++k) met |= condition(i + k);
    if (met) break;
  }
  while (i + 1 < n && !condition(i)) ++i;
  return i;
}

}  // namespace alertbench
