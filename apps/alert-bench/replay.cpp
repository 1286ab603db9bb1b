#include <algorithm>
#include <memory>
#include <thread>

#include "commands.h"

namespace alertbench {

void add_replay(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "replay", "run schedulers over a recording, without networks; the result is always the same");
  command->footer(
      "Examples:\n"
      "  alert-bench replay results/quickstart/recording --out results/replayed\n"
      "  alert-bench replay results/quickstart/recording --schedulers alert,oracle "
      "--set scheduler_settings.alert.preset=tuned\n"
      "  alert-bench replay results/quickstart/recording --grid --out results/grid\n"
      "  alert-bench replay results/quickstart/recording --grid --out results/grid --overwrite "
      "--trace energy-t1.04-a0.8700");
  struct ReplayArguments {
    ReplayRequest request;
    RunOptions options;
    SchedulerArguments schedulers;
  };
  auto a = std::make_shared<ReplayArguments>();
  command->add_option("RECORDING", a->request.recording, "recording folder, or its recording.json")
      ->required();
  command->add_option("--out", a->options.out,
                      "result folder (default: only print the summary, keep no traces)");
  a->schedulers.add_to(*command, "default: those of the recording's scenario");
  command
      ->add_option("--set", a->request.overrides,
                   "change a key of the recorded scenario: goals.0.deadline_x=1.2 (repeatable). Networks, "
                   "caps, co-runner and inputs are fixed")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  auto* grid = command->add_flag("--grid", a->request.grid,
                                 "both tasks over a grid of goals, with the oracles (evaluation.json), "
                                 "instead of the scenario's goals");
  command
      ->add_option("--deadlines", a->request.grid_spec.deadlines,
                   "with --grid: number of deadlines, 0.4 to 2 times the reference latency")
      ->needs(grid)
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command
      ->add_option("--levels", a->request.grid_spec.levels,
                   "with --grid: number of accuracy goals (least energy) or power limits (least error)")
      ->needs(grid)
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "--judge",
          [a](const std::string& judge) {
            a->request.grid_spec.judge = judge == "strict" ? Judge::strict : Judge::mean;
          },
          "with --grid: judge goals as means, or input by input (strict); the tables show both, and this "
          "decides which settings count as violated (default: as in the scenario)")
      ->needs(grid)
      ->check(CLI::IsMember({"mean", "strict"}));
  command
      ->add_option("--trace", a->request.traces,
                   "with --grid: write the traces of this setting (repeatable); by default none are written")
      ->needs(grid)
      ->take_all()
      ->allow_extra_args(false);
  a->request.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  command
      ->add_option("--threads", a->request.threads, "threads for the grid; the result does not depend on it")
      ->needs(grid)
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--allow-commands", a->options.allow_commands,
                    "let schedulers lib:FILE.so and cmd:PROGRAM run their code");
  add_common(*command, a->options);
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      a->request.schedulers = a->schedulers.all();
      return replay_recording(a->request, a->options);
    };
  });
}

}  // namespace alertbench
