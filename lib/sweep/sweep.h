// `alert-bench sweep`: every cell of a sweep file, or of one shard of it, into a folder.
// Cells are sorted by id; shard I of N takes every Nth, from the Ith on. Each is on disk when it is finished:
// started again into the same folder, a sweep takes what the same plan, the same program and the same
// recording made before (but failed cells), and evaluates the rest. A cell that fails is counted and told;
// the others continue.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "sweep/plan.h"

namespace alertbench {

struct SweepOptions {
  std::string out;
  Shard shard;
  int threads = 0;  // 0: as many as this process may use
  bool overwrite = false, quiet = false, allow_commands = false;
  std::vector<std::string> argv;
};

ExitCode run_sweep(const std::string& sweep_file, const SweepOptions& options);
// The cells, one per line, each with its shard.
std::string describe_sweep(const std::string& sweep_file, const SweepOptions& options);

}  // namespace alertbench
