// Defines by input numbers when the co-runner is on, so that the phases are the same however long the
// scheduler under test takes.
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
  // list: [first, end) pairs, ascending and disjoint. Ranges beyond the last input are cut off, so the same
  // list can be used for shorter runs.
  std::vector<std::pair<int, int>> on_ranges;
  std::string read_from;  // list: the file from which the ranges were read; empty if there is none
  // time: seconds off and on in turn, off first, with one input every period_s. An input is on if its period
  // begins while the co-runner is on. This is nominal time, so neither schedulers nor recording can shift the
  // phases. Both durations must be at least period_s.
  double on_s = 0, off_s = 0, period_s = 0;
};

// Reads the ranges for kind list from a text file with two numbers per line, first and end (separated by
// blanks or a comma; # begins a comment), or from a JSON file with a list of pairs [first, end]. InputError
// names the file, the line or entry, and a remedy.
std::vector<std::pair<int, int>> read_on_ranges(const std::string& path);

// Returns the ranges of a generated schedule.
std::vector<std::pair<int, int>> on_ranges_of(const std::vector<bool>& on);

// Returns one flag per input, true if the co-runner is on. A random schedule starts off, depends only on its
// arguments (on all platforms), and contains both an off and an on spell if inputs >= mean_on + mean_off.
// Throws InputError for an inconsistent spec.
std::vector<bool> make_schedule(const ScheduleSpec& spec, int inputs, uint64_t seed);

}  // namespace alertbench
