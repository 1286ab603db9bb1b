// A scheduler in a shared object, with the interface of include/alert_bench/scheduler.h.
#pragma once

#include <alert_bench/scheduler.h>

#include <memory>
#include <string>
#include <vector>

#include "schedulers/external.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// Loads the shared object, which runs its code, and returns its table. It stays loaded. InputError, opened by
// `where`, if it is none, lacks the function, or has another ABI or an incomplete table.
const alert_scheduler& load_plugin(const std::string& file, const std::string& where);

// Goals and profile as the plug-in sees them. The profile must outlive it.
class PluginTables {
 public:
  PluginTables(const Profile& profile, const Goals& goals);
  PluginTables(const PluginTables&) = delete;
  PluginTables& operator=(const PluginTables&) = delete;

  const alert_profile& profile() const { return profile_; }
  const alert_goals& goals() const { return goals_; }

 private:
  std::string goal_name_;
  std::vector<alert_network> networks_;
  std::vector<const alert_network*> network_pointers_;
  std::vector<double> latency_;  // mean, median, p95, p99, cv, one after the other
  alert_profile profile_;
  alert_goals goals_;
};

class PluginScheduler : public Scheduler {
 public:
  // `name` precedes the lines that the plug-in prints. InputError if the plug-in refuses to work with these
  // inputs or settings.
  PluginScheduler(const ExternalScheduler& spec, const SchedulerInputs& inputs,
                  const nlohmann::json& settings, const std::string& name, const std::string& where);
  ~PluginScheduler() override;
  PluginScheduler(const PluginScheduler&) = delete;
  PluginScheduler& operator=(const PluginScheduler&) = delete;

  // RunError if the plug-in fails, or decides on something that does not exist.
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;
  std::optional<Prediction> prediction() const override;

 private:
  static void log(void* self, const char* text);
  static void fail(void* self, const char* reason);
  [[noreturn]] void refuse(int64_t input, const std::string& what) const;

  const Profile& profile_;
  const std::string spec_, name_, settings_;
  const PluginTables tables_;
  const alert_scheduler& plugin_;
  alert_host host_;
  void* self_ = nullptr;
  std::string reason_;  // what the plug-in said last of why it failed
  alert_decision decision_;
  Prediction prediction_;
};

}  // namespace alertbench
