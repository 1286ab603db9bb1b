#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "commands.h"
#include "power/guard/cap_guard.h"

namespace alertbench {

void add_restore(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "restore", "put power caps back that a run left behind (its watchdog was killed as well)");
  command->footer(
      "A run puts its caps back by itself, also when interrupted or killed. This is for what is left after "
      "that.");
  struct RestoreArguments {
    std::string root = "/", state, nvml_library = default_nvml_library;
  };
  auto a = std::make_shared<RestoreArguments>();
  command->add_option("--root", a->root, "what stands before /sys (scenario key power.root)")
      ->capture_default_str();
  command->add_option(
      "--state", a->state,
      "folder with the caps found (scenario key power.state_folder); default: /run/alert-bench for "
      "root, $XDG_RUNTIME_DIR/alert-bench for others");
  command
      ->add_option("--nvml-library", a->nvml_library,
                   "NVIDIA's library, where caps of a GPU were left; the state does not name it, so that "
                   "whoever wrote that cannot have "
                   "code run as you")
      ->capture_default_str();
  command->callback([a, &line] {
    line.action = [a] {
      const std::string folder = state_folder(a->state, a->root);
      const RestoreResult r = restore_caps(a->root, folder, a->nvml_library);
      if (!r.found) {
        print_out("Nothing to put back: {} is not there.\n", state_path(folder));
        return ExitCode::done;
      }
      for (const CapValue& v : r.state.values) print_out("{}\n", put_back_text(r.state, v));
      print_out("Put back what process {} ({}) found, {}.\n", r.state.pid, printable(r.state.command),
                printable(r.state.since));
      return ExitCode::done;
    };
  });
}

}  // namespace alertbench
