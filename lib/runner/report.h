// summary.json as people read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace alertbench {

constexpr const char* summary_schema_version = "1.0";

// One table a goal setting and mode, then the live-against-replay lines. InputError (opened by `where`) if the JSON is no
// summary.
std::string summary_table(const nlohmann::json& summary, const std::string& where);

}  // namespace alertbench
