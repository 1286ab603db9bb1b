// The words for tasks and judges in JSON, for all files that have them.
#pragma once

#include "core/types.h"

namespace alertbench {

class JsonReader;

// InputError where the key `task` is another word; without a fallback also where it is absent.
Task read_task(JsonReader& reader);
Task read_task(JsonReader& reader, Task fallback);
// Likewise the key `judge`.
Judge read_judge(JsonReader& reader);
Judge read_judge(JsonReader& reader, Judge fallback);

}  // namespace alertbench
