// One function a subcommand: it adds itself to the command line, and leaves what is to be done in `action`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "runner/run.h"
#include "scenario/scenario.h"

namespace alertbench {

using Action = std::function<ExitCode()>;

struct CommandLine {
  std::vector<std::string> argv;  // as given, for manifests
  Action action;                  // set by the subcommand that was chosen
};

void add_run(CLI::App& app, CommandLine& line);
void add_profile(CLI::App& app, CommandLine& line);
void add_record(CLI::App& app, CommandLine& line);
void add_replay(CLI::App& app, CommandLine& line);
void add_sweep(CLI::App& app, CommandLine& line);
void add_merge(CLI::App& app, CommandLine& line);
void add_report(CLI::App& app, CommandLine& line);
void add_compare(CLI::App& app, CommandLine& line);
void add_score(CLI::App& app, CommandLine& line);
void add_validate(CLI::App& app, CommandLine& line);
void add_list(CLI::App& app, CommandLine& line);
void add_doctor(CLI::App& app, CommandLine& line);
void add_restore(CLI::App& app, CommandLine& line);

// --schedulers and --scheduler.
struct SchedulerArguments {
  std::vector<std::string> listed, single;

  void add_to(CLI::App& command, const std::string& remark);
  // All that were named, in order; files of libraries count from the folder that the program was called in.
  std::vector<std::string> all() const;
};

// Options that every command with a scenario has.
struct ScenarioArguments {
  std::vector<std::string> files, overrides, data;
  SchedulerArguments schedulers;
  std::string networks, device;
  int inputs = 0;
  uint64_t seed = 0;
  CLI::Option *seed_option = nullptr, *inputs_option = nullptr;

  void add_to(CLI::App& command, bool several);
  Scenario read(const std::string& file) const;
};
void add_common(CLI::App& command, RunOptions& options);

}  // namespace alertbench
