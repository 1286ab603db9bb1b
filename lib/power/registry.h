// The power backends, one entry each. Everything that names, lists, chooses or opens a backend goes by these
// entries: `power.backend` of scenarios, `auto`, `alert-bench list powers`, `alert-bench doctor`, and the
// lock of a machine.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "power/backend.h"

namespace alertbench {

// What looking at a machine shows about a backend. Looking changes nothing and leaves nothing open.
struct PowerOutlook {
  // False if the backend is no option here, because there is no such hardware or the request lacks what the
  // backend needs. `auto` then passes over it without giving reasons.
  bool applies = true;
  std::vector<std::string> no_caps;    // why caps cannot be set; empty if they can
  std::vector<std::string> no_energy;  // why energy cannot be read; empty if it can
  std::vector<std::string> remedies;   // commands that would help, in the order in which to give them
  // What `doctor` shows, with keys that no other backend uses.
  nlohmann::ordered_json findings = nlohmann::ordered_json::object();

  std::vector<std::string> obstacles() const;  // no_caps and no_energy, each reason once
  bool fits() const { return applies && obstacles().empty(); }
};

struct PowerBackendEntry {
  std::string name;     // the value of `power.backend`
  std::string summary;  // one line for `alert-bench list powers`
  // Whether hardware limits the power. If not, the scenario's power model says what a cap means, and caps
  // must lie above its static power.
  bool hardware_caps = false;
  bool single_cap = false;  // the backend never caps: a scenario gives one cap, which stands for uncapped

  std::function<PowerBackend(const PowerRequest&, Clock&)> open;

  // `auto` considers backends for the device of the networks ("cpu", "cuda"), in the order of the registry,
  // and takes the first that fits. Empty for a backend that `auto` never takes of its own accord; `look` is
  // then not needed.
  std::string device;
  std::function<PowerOutlook(const PowerRequest&, Clock&)> look;
  // Whether looking cannot tell for certain that caps can be set. `auto` then opens the backend without
  // looking, with PowerRequest::backend "auto", and considers the next one if that is an EnvironmentError
  // other than CapsTaken.
  bool only_opening_tells = false;

  // A file below the root that exists wherever this backend can set caps, for machine_lock_file(); empty if
  // there is none. Needed by backends that change hardware.
  std::function<std::string(const std::string& root)> lock_file;
};

// All of them, in the order in which `auto` prefers them.
const std::vector<PowerBackendEntry>& power_backends();
const PowerBackendEntry* find_power_backend(const std::string& name);  // null for "auto" and unknown names
std::vector<std::string> power_backend_names();  // what `power.backend` may be, with "auto"

// Adds an entry for as long as this object exists. For tests; entries of the program are in registry.cpp.
class RegisteredBackend {
 public:
  explicit RegisteredBackend(PowerBackendEntry entry);
  ~RegisteredBackend();
  RegisteredBackend(const RegisteredBackend&) = delete;
  RegisteredBackend& operator=(const RegisteredBackend&) = delete;
};

}  // namespace alertbench
