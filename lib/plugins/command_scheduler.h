// A scheduler that is a program of its own, which is asked over pipes: JSON, one value per line. See
// docs/file-formats.md for the lines.
#pragma once

#include <memory>
#include <string>

#include "base/json_lines.h"
#include "plugins/scheduler_process.h"
#include "schedulers/external.h"
#include "schedulers/scheduler.h"

namespace alertbench {

constexpr int command_protocol = 1;

class CommandScheduler : public Scheduler {
 public:
  // Starts the program, tells it profile, goals and settings, and waits until it is ready. `name` precedes
  // what it prints on standard error. Throws what SchedulerProcess throws.
  CommandScheduler(const ExternalScheduler& spec, const SchedulerInputs& inputs,
                   const nlohmann::json& settings, const std::string& name);

  // Both throw RunError if the program ended or took too long; decide() also if its answer is not a decision.
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;
  std::optional<Prediction> prediction() const override { return prediction_; }
  bool decides_elsewhere() const override { return true; }

 private:
  Configuration read_decision(std::string_view answer, const std::string& where);

  const Profile& profile_;
  const std::string spec_;
  int64_t input_ = 0;  // of the last decision
  LineBuffer line_;
  std::optional<Prediction> prediction_;
  SchedulerProcess process_;
};

}  // namespace alertbench
