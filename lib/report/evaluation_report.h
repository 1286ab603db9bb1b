// evaluation.json as people read it.
#pragma once

#include <string>
#include <vector>

#include "evaluation/evaluation.h"
#include "report/document.h"

namespace alertbench {

// Over all cells of each task, then each cell, then what left the totals: infeasible settings, failed cells.
// Values: one row a (cell, setting, scheduler); a cell that failed has none.
Document evaluation_report(const EvaluationResult& evaluation);

// Places in `schedulers`, in the order in which every table shows them: the registry's, unknown ones last.
std::vector<size_t> scheduler_order(const std::vector<std::string>& schedulers);

}  // namespace alertbench
