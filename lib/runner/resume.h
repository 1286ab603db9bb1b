// Finds what an interrupted run or recording left in its folder, for --resume.
#pragma once

#include <optional>
#include <string>

#include "recording/recording.h"
#include "scenario/scenario.h"

namespace alertbench {

// Returns the recording in `folder` that can be continued; nullopt if no input was recorded yet. InputError
// if it was begun with another scenario.
std::optional<Recording> recording_so_far(const Scenario& scenario, const std::string& folder);

bool is_complete(const std::string& folder);  // whether its manifest says so

// Moves the traces of an interrupted run to FOLDER/interrupted-N, with a copy of its manifest. Its live part
// starts again from the first input, because resumed schedulers would lack what they had learnt.
void keep_interrupted(const std::string& folder);

}  // namespace alertbench
