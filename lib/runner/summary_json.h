// summary.json: what each scheduler did under each goal setting, live and in replay.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "result/result_folder.h"
#include "runner/scheduler_matrix.h"

namespace alertbench {

// `live` and `replay` are summaries of the same entries in the same order; `live` is empty if nothing ran
// live.
nlohmann::ordered_json summary_json(const Experiment& experiment, const std::vector<Summary>& live,
                                    const std::vector<Summary>& replay);
void write_summary(const ResultFolder& result, const nlohmann::ordered_json& summary);
// Prints to standard output: the JSON itself, or tables for people.
void print_summary(const nlohmann::ordered_json& summary, bool json);

}  // namespace alertbench
