// `alert-bench merge`: evaluation.json of several folders joined into one. Of all shards of a sweep it is the
// same, byte for byte, as that of the sweep in one piece.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace alertbench {

struct MergeOptions {
  std::string out;
  bool overwrite = false, quiet = false;
  std::vector<std::string> argv;
};

// Folders of `sweep`, `merge` or `replay --grid`, or their evaluation.json. A sweep that was cut off before
// it wrote one gives the cells that it finished. Cells that a plan has and no folder holds are told; the
// result is written then, but not valid. InputError names both folders where schedulers, settings, grid or
// bootstrap differ, or the same cell holds other values.
ExitCode merge_evaluations(const std::vector<std::string>& folders, const MergeOptions& options);

}  // namespace alertbench
