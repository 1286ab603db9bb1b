#include <memory>

#include "commands.h"

namespace alertbench {

void add_replay(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("replay", "run schedulers over a recording: no network is run, the same result every time");
  command->footer("Examples:\n"
                  "  alert-bench replay results/quickstart/recording --out results/replayed\n"
                  "  alert-bench replay results/quickstart/recording --schedulers alert,oracle "
                  "--set scheduler_settings.alert.preset=tuned");
  struct Arguments {
    ReplayRequest request;
    RunOptions options;
  };
  auto a = std::make_shared<Arguments>();
  command->add_option("RECORDING", a->request.recording, "recording folder, or its recording.json")->required();
  command->add_option("--out", a->options.out, "result folder (default: print the summary only, keep no traces)");
  command->add_option("--schedulers", a->request.schedulers, "only these, separated by commas (default: the recording's scenario's)")
      ->delimiter(',')->allow_extra_args(false);
  command->add_option("--set", a->request.overrides, "change a key of the scenario that was recorded: goals.0.deadline_x=1.2 (repeatable)")
      ->type_name("KEY=VALUE")->take_all()->allow_extra_args(false);
  add_common(*command, a->options);
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      return replay_recording(a->request, a->options);
    };
  });
}

}  // namespace alertbench
