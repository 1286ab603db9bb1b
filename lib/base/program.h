// What every program of ours does around its work.
#pragma once

#include <functional>

namespace alertbench {

// Prepares the standard streams, raises soft limits, and runs the work, which returns an exit code. An
// exception becomes a message that is opened by the program's name, with the limit that is behind it, and the
// exit code of its kind (core/error.h). Work that succeeds while standard output could not be written ends
// with ExitCode::run_failed and a message.
int run_program(const char* name, const std::function<int()>& work);

}  // namespace alertbench
