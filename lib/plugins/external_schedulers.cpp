#include "plugins/external_schedulers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/sha256.h"
#include "plugins/command_scheduler.h"
#include "plugins/plugin_scheduler.h"
#include "schedulers/external.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

bool is_program(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// Where execvp() would find it; empty: nowhere.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = (folder.empty() ? "." : folder) + "/" + name; is_program(file)) return file;
  return "";
}

ExternalScheduler external(const std::string& scheduler) {
  return read_external(scheduler, nlohmann::json::object(), scheduler);
}

}  // namespace

std::unique_ptr<Scheduler> make_any_scheduler(const std::string& scheduler, const std::string& result_name,
                                              const SchedulerInputs& inputs, const nlohmann::json& settings,
                                              const std::string& where) {
  if (!is_external(scheduler)) return make_scheduler(scheduler, inputs, settings, where);
  const nlohmann::json own = settings.is_null() ? nlohmann::json::object() : settings;
  const ExternalScheduler spec = read_external(scheduler, own, where);
  if (spec.is_command()) return std::make_unique<CommandScheduler>(spec, inputs, own, result_name);
  return std::make_unique<PluginScheduler>(spec, inputs, own, result_name, where);
}

void check_external_schedulers(const std::vector<std::string>& schedulers, bool allow_commands,
                               const std::string& where) {
  for (const std::string& scheduler : schedulers)
    if (is_external(scheduler) && !allow_commands)
      throw InputError(
          fmt::format("{}: schedulers: \"{}\" is code of its own; if you trust it, add "
                      "--allow-commands",
                      where, scheduler));
  for (const std::string& scheduler : schedulers) {
    if (!is_external(scheduler)) continue;
    const ExternalScheduler spec = external(scheduler);
    if (!spec.is_command())
      load_plugin(spec.file, fmt::format("{}: schedulers: {}", where, scheduler));
    else if (find_program(spec.command[0]).empty())
      throw InputError(fmt::format(
          "{}: schedulers: {}: there is no executable program {}; name one, or make it executable (chmod +x)",
          where, scheduler, spec.command[0]));
  }
}

nlohmann::ordered_json describe_external_schedulers(const std::vector<std::string>& schedulers) {
  nlohmann::ordered_json all;
  const std::vector<std::string> names = result_names(schedulers);
  for (size_t i = 0; i < schedulers.size(); ++i) {
    if (!is_external(schedulers[i])) continue;
    const ExternalScheduler spec = external(schedulers[i]);
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    const auto add = [&](const std::string& path) {
      const FileFact fact = hash_file(path);
      files.push_back({{"path", fact.path}, {"bytes", fact.bytes}, {"sha256", fact.sha256}});
    };
    std::error_code ignored;
    if (spec.is_command()) {
      if (const std::string program = find_program(spec.command[0]); !program.empty()) add(program);
      for (size_t k = 1; k < spec.command.size(); ++k)
        if (fs::is_regular_file(spec.command[k], ignored)) add(spec.command[k]);
    } else {
      add(spec.file);
    }
    all.push_back({{"name", names[i]},
                   {"scheduler", spec.spec},
                   {"command", spec.is_command() ? nlohmann::ordered_json(spec.command) : nullptr},
                   {"files", files}});
  }
  return all;
}

}  // namespace alertbench
