// What a machine's caps were before a run changed them, on disk: from this file the run itself, its watchdog
// (apps/cap-guard) or `alert-bench restore` puts them back. Needs nothing but lib/core, so that the watchdog stays small.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct CapValue {
  std::string file;  // below the root; only files that hold a cap are accepted, see cap_file()
  uint64_t value = 0;
};

struct CapState {
  int pid = 0;  // of the run that changes them
  std::string command, since;
  std::string root;               // root_prefix() of the machine
  std::vector<CapValue> values;  // in the order in which to write them
};

// Whether a state file may name this file: the limits and the `enabled` of powercap zones, and cpufreq's
// highest frequencies. Whoever restores as root must not
// be made to write anywhere else by a file that someone put there.
bool cap_file(const std::string& file);

// Where the state of a machine lies unless told otherwise: /run/alert-bench for root, $XDG_RUNTIME_DIR/alert-bench for
// others (EnvironmentError where that is not set), and ROOT/run/alert-bench for a root of its own.
std::string state_folder(const std::string& told, const std::string& root);
std::string state_path(const std::string& folder);

nlohmann::ordered_json to_json(const CapState& state);
CapState read_cap_state(const std::string& path);  // InputError

// Writes every value, reads it back, and goes on where one fails. What went wrong, with file and reason; empty: all is as
// it was. Hardware rounds: a limit counts as the same within half a watt.
std::vector<std::string> put_back(const CapState& state);
bool same_limit(uint64_t a_uw, uint64_t b_uw);

}  // namespace alertbench
