// "arrivals" of a scenario: "closed", "open", or an object that says when each input arrives.
//     { "kind": "poisson", "mean_period_s": 0.05 }   or "mean_period_x": times the reference latency
//     { "kind": "file", "path": "times.txt", "column": 0, "speed": 2 }
//     { "kind": "list", "times_s": [0, 0.04, 0.1], "speed": 2 }     a file becomes one when it is read
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "core/arrivals.h"
#include "core/profile.h"

namespace alertbench {

struct ArrivalSpec {
  std::string kind = "closed";  // closed | open | poisson | list
  std::optional<double> mean_period_s,
      mean_period_x;              // poisson, exactly one: seconds, or times the profile's reference latency
  std::vector<double> times_s;    // list: as stated; at most one more than there are inputs
  double speed = 1;               // list: time passes this many times as fast
  std::string read_from, sha256;  // list: of the file with the times; empty if there is none

  bool timed() const { return kind != "closed" && kind != "open"; }

  // "arrivals" of a scenario with `inputs` inputs, in the file `scenario_path`, beside which relative paths
  // are. A list must have a time for each input. InputError.
  static ArrivalSpec read(JsonReader& scenario, const std::string& scenario_path, int inputs);
  nlohmann::ordered_json to_json() const;  // reads back as itself, without the file

  // The arrivals of `inputs` inputs. Those of a Poisson process depend on the seed and the mean period alone:
  // a shorter run has the first ones of a longer run. InputError if a list is shorter.
  Arrivals resolve(const Profile& profile, int64_t inputs, uint64_t seed) const;
};

// InputError: inputs that share a deadline (the words of a sentence) arrive together, closed or open.
[[noreturn]] void refuse_timed_groups(const std::string& where);

// Reads the times in seconds, one on each line, or in column `column` (from 0) of lines with several values
// separated by blanks or commas. Blank lines, and what follows a #, are skipped. Returns at most the first
// `most`. InputError names the file, the line, the value and a remedy: no numbers, not finite, earlier than
// the time before, several values on a line though no column was chosen.
std::vector<double> read_arrival_times(const std::string& path, std::optional<int> column, size_t most);

}  // namespace alertbench
