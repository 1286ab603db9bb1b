// When the co-runner is on, in input numbers: the same phases whatever the scheduler under test takes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace alertbench {

struct ScheduleSpec {
  std::string kind = "random";  // random | always | never | list
  // random: the mean length of a spell, at least 1; lengths are uniform in 0.5 to 1.5 times the mean.
  double mean_on_inputs = 20;
  double mean_off_inputs = 20;
  // list: [first, end) pairs, ascending and disjoint. What lies beyond the last input is cut off, so
  // that one list serves shorter runs too.
  std::vector<std::pair<int, int>> on_ranges;
};

// One flag an input, true where the co-runner is on. A random schedule starts off, depends on nothing but
// its arguments (also across platforms), and with inputs >= mean_on + mean_off has an off and an on spell.
// Throws InputError on a spec that makes no sense.
std::vector<bool> make_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed);

}  // namespace alertbench
