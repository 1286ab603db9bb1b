#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "commands.h"
#include "power/guard/cap_guard.h"

namespace alertbench {

void add_restore(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "restore", "restore power caps that a run left changed (if its watchdog was killed too)");
  command->footer(
      "A run restores its power caps on its own, even when it is interrupted or killed. This command is for\n"
      "the rare case that it could not.");
  struct RestoreArguments {
    std::string root = "/", state, nvml_library = default_nvml_library;
  };
  auto a = std::make_shared<RestoreArguments>();
  command->add_option("--root", a->root, "folder that contains /sys (scenario key power.root)")
      ->capture_default_str();
  command->add_option("--state", a->state,
                      "folder with the original power caps (scenario key power.state_folder); default:\n"
                      "/run/alert-bench for root, $XDG_RUNTIME_DIR/alert-bench for others");
  command
      ->add_option("--nvml-library", a->nvml_library,
                   "NVIDIA's management library, if caps of a GPU were left changed; the state file does not "
                   "name it, so that whoever wrote that file cannot run code as you")
      ->capture_default_str();
  command->callback([a, &line] {
    line.action = [a] {
      const std::string folder = state_folder(a->state, a->root);
      const RestoreResult r = restore_caps(a->root, folder, a->nvml_library);
      if (!r.found) {
        print_out("Nothing to restore: {} does not exist.\n", state_path(folder));
        return ExitCode::done;
      }
      for (const CapValue& v : r.state.values) print_out("{}\n", restored_text(r.state, v));
      print_out("Restored the power caps that process {} ({}) found, {}.\n", r.state.pid,
                printable(r.state.command), printable(r.state.since));
      return ExitCode::done;
    };
  });
}

}  // namespace alertbench
