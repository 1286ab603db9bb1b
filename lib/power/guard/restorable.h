// The whitelist of what a state file of caps may name, and how each of these values is restored. A power
// backend adds one line to the table in restorable.cpp for each kind of file that it changes.
//
// The watchdog (apps/cap-guard) compiles this file too and must stay small, so it depends only on lib/base,
// the reader of sysfs and the NVML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace alertbench {

class Nvml;

struct CapValue {
  std::string file;  // below the root, or gpu_limit() or gpu_clocks()
  uint64_t value = 0;
};

// What restoring a value may need to know about the machine.
struct RestoreContext {
  std::string root;            // root_prefix() of the machine
  const Nvml* nvml = nullptr;  // open where needs_nvml, unless that failed
  std::string no_nvml{};       // why it could not be opened
};

struct RestorableCap {
  std::string pattern;  // a regular expression that the whole of CapValue::file must match
  // Writes the value and reads it back. Returns the reason if that fails, and nothing if the value is in
  // force.
  std::string (*restore)(const CapValue& value, const RestoreContext& context);
  std::string (*text)(const CapValue& value) =
      nullptr;              // tells the user what was restored; null: "FILE is VALUE again"
  bool needs_nvml = false;  // the value is set by calls of NVIDIA's library, not by writing a file
  bool only_zero = false;   // 0 is the only value that can be restored
};

// For files of sysfs that hold one number, which reads back as it was written.
std::string restore_number(const CapValue& value, const RestoreContext& context);
// For files of sysfs that hold a limit in microwatts, which hardware may round, see same_limit().
std::string restore_microwatts(const CapValue& value, const RestoreContext& context);
// Whether two limits in microwatts are the same: hardware rounds by up to half a watt.
bool same_limit(uint64_t a_uw, uint64_t b_uw);

// The entry of the table whose pattern the file matches. There is none for a file that must not be restored:
// whoever restores as root must not be made to write anywhere else by a state file that somebody else put
// there.
std::optional<RestorableCap> find_restorable(const std::string& file);

// The names for the caps of the GPU with this UUID: its power limit in milliwatts, and the lock of its
// clocks. The only value of a lock is 0, which stands for no lock, because the library does not tell which
// lock was in force.
std::string gpu_limit(const std::string& uuid);   // "nvml/GPU-.../power_limit_mw"
std::string gpu_clocks(const std::string& uuid);  // "nvml/GPU-.../locked_clocks"

// For tests: an entry that exists as long as this object, in this process only. The watchdog does not know
// it.
class RegisteredRestorable {
 public:
  explicit RegisteredRestorable(RestorableCap cap);
  ~RegisteredRestorable();
  RegisteredRestorable(const RegisteredRestorable&) = delete;
  RegisteredRestorable& operator=(const RegisteredRestorable&) = delete;
};

}  // namespace alertbench
