// What cap setters of hardware have in common: they set no cap before the guard stands by, know which cap is
// in force, check it before every input, and restore what they found.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "power/guard/cap_guard.h"
#include "power/power.h"

namespace alertbench {

// A derived class calls take_lock() in its constructor, reads what is in force only after that, when no other
// run changes it any more, and hands it to remember() before it changes anything. The values are restored
// when the object is destroyed, whatever ends the run.
class GuardedCap : public CapSetter {
 public:
  std::string backend() const override { return name_; }
  bool by_hardware() const override { return true; }
  std::vector<std::string> warnings() const override { return warnings_; }
  // Puts the cap in force, or checks it if it is the one in force already. RunError if the watchdog has
  // ended, otherwise as of put_in_force() and check().
  void set(double cap_w) override;
  void restore() override;                        // RunError names what could not be restored
  nlohmann::ordered_json facts() const override;  // details(), and the state file

 protected:
  explicit GuardedCap(std::string name) : name_(std::move(name)) {}

  // Locks the machine against other runs, see CapGuard. An empty `state_folder` is the default one.
  void take_lock(const std::string& root, const std::string& state_folder, const std::string& nvml_library);
  void remember(std::vector<CapValue> found) { guard_->remember(std::move(found)); }
  // Restores what was remembered and gives the lock back. For a class with members that restoring needs.
  void give_lock_back() { guard_.reset(); }
  void warn(std::string warning) { warnings_.push_back(std::move(warning)); }
  // The cap in force; none before the first set(), after restore(), and while a cap is being put in force, so
  // that a failure half way leaves nothing that counts as in force.
  const std::optional<double>& in_force_w() const { return in_force_w_; }

  // Changes the hardware to this cap. `before_w` was in force until now.
  virtual void put_in_force(double cap_w, std::optional<double> before_w) = 0;
  // Reads back that this cap is in force. If it is not, calls does_not_stick() if the cap was set just now
  // (`just_set`), and changed_by_others() if it held before.
  virtual void check(double cap_w, bool just_set) = 0;
  virtual nlohmann::ordered_json details() const = 0;

  // EnvironmentError for a value that reads otherwise just after it was set. `found` is "FILE reads X after Y
  // was written", `what` is "the limit".
  [[noreturn]] void does_not_stick(const std::string& found, const std::string& what,
                                   const std::string& suspect = "") const;
  // RunError for a value that reads otherwise later. `found` is "FILE reads X, this run had set Y";
  // `suspects` are programs that may have changed it.
  [[noreturn]] void changed_by_others(const std::string& found, const std::string& suspects) const;
  // For a value that the hardware does not tell, so that nothing could restore it.
  [[noreturn]] void cannot_restore(const std::string& path) const;

 private:
  std::string name_;
  std::unique_ptr<CapGuard> guard_;
  std::optional<double> in_force_w_;
  std::vector<std::string> warnings_;
};

}  // namespace alertbench
