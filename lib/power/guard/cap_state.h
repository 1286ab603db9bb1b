// What a machine's caps were before a run changed them, on disk. The run itself, its watchdog
// (apps/cap-guard) and `alert-bench restore` restore the caps from this file. It needs only lib/base and
// restorable.h, so that the watchdog stays small.
//
// The caps of a GPU are not files: calls of NVIDIA's library set them. The state does not tell where that
// library is, because whoever restores as root must not be made to load code by a file that somebody else put
// there. Instead, restore_state() is told.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "power/guard/restorable.h"

namespace alertbench {

struct CapState {
  int pid = 0;  // of the run that changes the caps
  std::string command, since;
  std::string root;              // root_prefix() of the machine
  std::vector<CapValue> values;  // in the order in which to write them
};

// Whether a value is of a GPU, so that restore_state() needs the library.
bool of_gpu(const CapState& state);

// Whether a state file may name this file, see find_restorable().
bool cap_file(const std::string& file);

// Returns the folder of a machine's state file: `told` if it is not empty, otherwise ROOT/run/alert-bench for
// a root other than "/", /run/alert-bench for the user root, and $XDG_RUNTIME_DIR/alert-bench for others.
// EnvironmentError if that variable is not set.
std::string state_folder(const std::string& told, const std::string& root);
std::string state_path(const std::string& folder);

nlohmann::ordered_json to_json(const CapState& state);
// InputError if the file does not hold such a state, and if somebody else may have put it there: it does not
// belong to the caller or to root, others may write it, it is a link, or its folder is why_not_trusted().
CapState read_cap_state(const std::string& path);
// Returns nothing if the folder belongs to the caller or to root, and nobody else may write to it.
std::string why_not_trusted(const std::string& folder);

// Writes every value, reads back those that can be read, and goes on after a failure. Returns what failed,
// with file and reason; nothing if all values are restored. Opens `nvml_library` only if of_gpu().
std::vector<std::string> restore_state(const CapState& state, const std::string& nvml_library);
std::string restored_text(const CapState& state, const CapValue& value);  // "... is 125000000 again"

}  // namespace alertbench
