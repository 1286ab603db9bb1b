// What all our programs do around their work.
#pragma once

#include <functional>

namespace alertbench {

// Prepares the standard streams, raises soft limits, and runs the work, which returns an exit code. An
// exception becomes a message that starts with the program's name and includes the limit that caused it, and
// the exit code of its kind (base/error.h). Work that succeeds while standard output could not be written
// ends with ExitCode::run_failed and a message.
int run_program(const char* name, const std::function<int()>& work);

}  // namespace alertbench
