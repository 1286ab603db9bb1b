// What a machine's caps were before a run changed them, on disk: from this file the run itself, its watchdog
// (apps/cap-guard) or `alert-bench restore` puts them back. Needs nothing but lib/core, so that the watchdog
// stays small.
//
// The caps of a GPU are no files, they are set by calls of NVIDIA's library. Where that library lies is not
// in the state: who puts back as root must not be made to load code by a file that someone put there. It is
// told to put_back().
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct CapValue {
  std::string file;  // below the root, or gpu_limit() or gpu_clocks(); only what holds a cap is accepted, see
                     // cap_file()
  uint64_t value = 0;
};

struct CapState {
  int pid = 0;  // of the run that changes them
  std::string command, since;
  std::string root;              // root_prefix() of the machine
  std::vector<CapValue> values;  // in the order in which to write them
};

// Of the GPU with this UUID: its power limit in milliwatts; the lock of its clocks, where 0 stands for none
// (the only value: the library does not tell what lock there was).
std::string gpu_limit(const std::string& uuid);   // "nvml/GPU-.../power_limit_mw"
std::string gpu_clocks(const std::string& uuid);  // "nvml/GPU-.../locked_clocks"
bool of_gpu(const CapState& state);               // one value at least: put_back() will need the library

// Whether a state file may name this file: the limits and the `enabled` of powercap zones, cpufreq's highest
// frequencies, and the two of a GPU. Whoever restores as root must not be made to write anywhere else by a
// file that someone put there.
bool cap_file(const std::string& file);

// Where the state of a machine lies unless told otherwise: /run/alert-bench for root,
// $XDG_RUNTIME_DIR/alert-bench for others (EnvironmentError where that is not set), and ROOT/run/alert-bench
// for a root of its own.
std::string state_folder(const std::string& told, const std::string& root);
std::string state_path(const std::string& folder);

nlohmann::ordered_json to_json(const CapState& state);
// InputError for what is no such state, and for what somebody else may have put there: a file that is not the
// caller's or root's, that others may write, that is a link, or whose folder is why_not_trusted().
CapState read_cap_state(const std::string& path);
// Empty where the folder is the caller's or root's, and nobody else may write to it.
std::string why_not_trusted(const std::string& folder);

// Writes every value, reads back what can be, and goes on where one fails. What went wrong, with file and
// reason; empty: all is as it was. Hardware rounds: a limit counts as the same within half a watt.
// `nvml_library` is opened only where of_gpu().
std::vector<std::string> put_back(const CapState& state, const std::string& nvml_library);
std::string put_back_text(const CapState& state, const CapValue& value);  // "... is 125000000 again"
bool same_limit(uint64_t a_uw, uint64_t b_uw);

}  // namespace alertbench
