#include "power/guard/guarded_cap.h"

#include <fmt/format.h>

#include "base/error.h"

namespace alertbench {

void GuardedCap::take_lock(const std::string& root, const std::string& folder,
                           const std::string& nvml_library) {
  guard_ = std::make_unique<CapGuard>(root, state_folder(folder, root), nvml_library);
  warnings_ = guard_->notes();
}

void GuardedCap::set(double cap_w) {
  if (!guard_->watchdog_alive())
    throw RunError(
        fmt::format("power: {}: the watchdog has ended, and without it no cap is changed; the original caps "
                    "are restored now",
                    name_));
  const bool change = in_force_w_ != cap_w;
  if (change) put_in_force(cap_w, std::exchange(in_force_w_, std::nullopt));
  check(cap_w, change);
  in_force_w_ = cap_w;
}

void GuardedCap::restore() {
  in_force_w_.reset();
  if (const auto failures = guard_->restore(); !failures.empty())
    throw RunError(fmt::format("power caps: {}", fmt::join(failures, "; ")));
}

nlohmann::ordered_json GuardedCap::facts() const {
  nlohmann::ordered_json facts = details();
  facts["state_file"] = guard_->state_file();
  return facts;
}

void GuardedCap::does_not_stick(const std::string& found, const std::string& what,
                                const std::string& suspect) const {
  throw EnvironmentError(
      fmt::format("power: {}: {}: {} does not stick{}; choose other caps, or --set power.backend=emulated",
                  name_, found, what, suspect.empty() ? "" : fmt::format(" ({}?)", suspect)));
}

void GuardedCap::changed_by_others(const std::string& found, const std::string& suspects) const {
  throw RunError(
      fmt::format("power: {}: {}: another program changes it ({}?); stop that program during the run", name_,
                  found, suspects));
}

void GuardedCap::cannot_restore(const std::string& path) const {
  throw EnvironmentError(
      fmt::format("power: {}: {} cannot be read, so its value could not be restored", name_, path));
}

}  // namespace alertbench
