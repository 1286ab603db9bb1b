// When the co-runner is on, in input numbers: the same phases whatever the scheduler under test takes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace alertbench {

struct ScheduleSpec {
  std::string kind = "random";  // random | always | never | list | time
  // random: the mean length of a spell, at least 1; lengths are uniform in 0.5 to 1.5 times the mean.
  double mean_on_inputs = 20;
  double mean_off_inputs = 20;
  // list: [first, end) pairs, ascending and disjoint. What lies beyond the last input is cut off, so
  // that one list serves shorter runs too.
  std::vector<std::pair<int, int>> on_ranges;
  std::string read_from;  // list: the file that they were read from, empty for none
  // time: seconds off and on in turn, off first, at one input each period_s; an input is on where the time
  // that its period begins falls in a spell that is on. Nominal time: neither schedulers nor recording can
  // shift the phases. Each >= period_s.
  double on_s = 0, off_s = 0, period_s = 0;
};

// Ranges for kind list, of a text file with two numbers a line, first and end (blanks or a comma between
// them, # opens a comment), or of a JSON file with a list of pairs [first, end]. InputError names file, line
// or entry, and mend.
std::vector<std::pair<int, int>> read_on_ranges(const std::string& path);

// How a schedule that was made came out, as ranges.
std::vector<std::pair<int, int>> on_ranges_of(const std::vector<bool>& on);

// One flag an input, true where the co-runner is on. A random schedule starts off, depends on nothing but
// its arguments (also across platforms), and with inputs >= mean_on + mean_off has an off and an on spell.
// Throws InputError on a spec that makes no sense.
std::vector<bool> make_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed);

}  // namespace alertbench
