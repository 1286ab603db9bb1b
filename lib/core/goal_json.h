// Reads the names of tasks and judges from JSON, for all files that contain them.
#pragma once

#include "core/types.h"

namespace alertbench {

class JsonReader;

// Reads the key `task`. InputError if its value is unknown; without a fallback, also if the key is absent.
Task read_task(JsonReader& reader);
Task read_task(JsonReader& reader, Task fallback);
// Reads the key `judge` in the same way.
Judge read_judge(JsonReader& reader);
Judge read_judge(JsonReader& reader, Judge fallback);

}  // namespace alertbench
