// summary.json as people read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "report/document.h"

namespace alertbench {

constexpr const char* summary_schema_version = "2.2";
// For summaries of an older version.
constexpr const char* summary_remedy = "replay the recording again: alert-bench replay RECORDING";

// One table a goal setting and mode, then live against replay. InputError (opened by `where`) if the JSON is
// no summary. Values: one row a (mode, setting, scheduler).
Document summary_report(const nlohmann::json& summary, const std::string& where);

}  // namespace alertbench
