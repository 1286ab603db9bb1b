// A folder with evaluation.json, manifest.json and plan.json: what `sweep` and `merge` leave.
//     plan.json        which cells belong to it (lib/sweep/plan.h)
//     cells/*.json     each finished cell, an evaluation.json of its own; `sweep` only
//     evaluation.json  all of them, once the command has ended
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "evaluation/evaluation.h"
#include "result/result_folder.h"
#include "sweep/plan.h"

namespace alertbench {

class EvaluationFolder : public ResultFolder {
 public:
  using ResultFolder::ResultFolder;

  bool has(const std::string& name) const;
  // Whether a sweep or merge worked here. InputError if the plan.json that is there is of another program,
  // which nobody may write over.
  bool has_plan() const;
  void remove(const std::string& name) const;  // a file, if there
  // Cells in cells/ that are no file of a sweep's cell: foreign, so that --overwrite must not delete them.
  std::vector<std::string> foreign_cells() const;
  void remove_cells() const;

  // Writes plan.json, and a manifest.json that says "running".
  void begin_plan(const Plan& plan, const std::vector<std::string>& argv);
  // Writes evaluation.json, and concludes the result. Failed cells make it invalid, as `reasons` do.
  ExitCode conclude_cells(EvaluationResult& result, std::vector<std::string> reasons, bool quiet);
};

// "a, b, c and 7 more"
std::string some_of(const std::vector<std::string>& words);

// FOLDER/cells/NAME.json
std::string cell_path(const std::string& folder, const std::string& id);
// As it will be read again: what is kept in memory and what is on disk give the same evaluation.json.
Cell store_cell(const std::string& folder, const Plan& plan, const Cell& cell);
// The planned cell, if it was stored by the same plan from the same recording. A file that cannot be used
// counts as none.
std::optional<Cell> stored_cell(const std::string& folder, const Plan& plan, const PlannedCell& planned);

}  // namespace alertbench
