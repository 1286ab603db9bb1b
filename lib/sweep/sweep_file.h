// A sweep file: recordings x tasks, to be judged with the same schedulers over the same grid of goals.
//     { "schema_version": "1.0", "kind": "sweep", "name": "mine",
//       "recordings": ["recordings/*", "elsewhere/recording"],       folders with a recording.json, beside
//       the file "tasks": ["min_energy", "min_error"],                        from here on the defaults
//       "schedulers": [all], "scheduler_settings": {},
//       "grid": { "deadlines": 6, "levels": 6, "deadline_low_x": 0.4, "deadline_high_x": 2.0,
//                 "judge": as each recording's scenario, else "mean" or "strict", "goal_tolerance": likewise
//                 } }
// Read strictly. A pattern (* ? [) takes the recordings that it matches, and only them; a path without one
// must be there, else its cells fail.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/types.h"
#include "evaluation/goal_grid.h"

namespace alertbench {

struct SweepFile {
  std::string path, name, description;
  std::vector<std::string> recordings;
  std::vector<Task> tasks{Task::min_energy, Task::min_error};
  std::vector<std::string> schedulers;  // all where it names none
  bool schedulers_named = false;
  nlohmann::json scheduler_settings = nlohmann::json::object();
  GridSpec grid;

  static SweepFile read(const std::string& path);  // InputError
  std::string folder() const;                      // of the file; recordings are relative to it
};

}  // namespace alertbench
