// Errors that end a command, each with the exit code of the command line (see `alert-bench --help`).
// A message names what was read (file, key), the bad value, and the remedy.
#pragma once

#include <stdexcept>
#include <string>

namespace alertbench {

enum class ExitCode : int {
  done = 0,
  run_failed = 1,           // something broke while running
  bad_input = 2,            // wrong usage, or an unusable file
  environment_refuses = 3,  // no permission, no meter, no co-runner possible
  invalid_result = 4,       // done, but the result is not valid (it says why)
  outside_tolerance = 5,    // a comparison failed
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

struct RunError : Error {
  explicit RunError(const std::string& m) : Error(ExitCode::run_failed, m) {}
};
struct InputError : Error {
  explicit InputError(const std::string& m) : Error(ExitCode::bad_input, m) {}
};
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& m) : Error(ExitCode::environment_refuses, m) {}
};

}  // namespace alertbench
