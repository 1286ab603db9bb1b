#include "base/program.h"

#include <new>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/console.h"
#include "base/error.h"
#include "base/limits.h"

namespace alertbench {
namespace {

int guarded(const char* name, const std::function<int()>& work) {
  try {
    return work();
  } catch (const Error& e) {
    say("{}: {}", name, e.what());
    return static_cast<int>(e.code());
  } catch (const nlohmann::json::exception& e) {
    say("{}: a file contains a value of an unexpected type ({}); `alert-bench validate FILE` says where",
        name, e.what());
    return static_cast<int>(ExitCode::bad_input);
  } catch (const std::bad_alloc&) {
    say("{}: out of memory{}", name, memory_limits());
  } catch (const std::system_error& e) {  // no thread could be started, for example
    say("{}: {}{}", name, e.what(), limit_behind(e.code().value()));
  } catch (const std::exception& e) {
    say("{}: {}", name, e.what());
  }
  return static_cast<int>(ExitCode::run_failed);
}

}  // namespace

int run_program(const char* name, const std::function<int()>& work) {
  prepare_standard_streams();
  raise_limits();
  const int code = guarded(name, work);
  const std::string lost = finish_output();
  if (lost.empty()) return code;
  say("{}: standard output cannot be written ({}): the printed output is incomplete", name, lost);
  return code ? code : static_cast<int>(ExitCode::run_failed);
}

}  // namespace alertbench
