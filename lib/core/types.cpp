#include "core/types.h"

namespace alertbench {

const char* to_string(Task task) { return task == Task::min_energy ? "min_energy" : "min_error"; }

}  // namespace alertbench
