#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "base/json_lines.h"
#include "commands.h"
#include "runner/preflight.h"

namespace alertbench {
namespace {

struct RunArguments {
  ScenarioArguments scenario;
  RunOptions options;
  bool dry_run = false;
};

std::string default_folder(const Scenario& s) { return "results/" + s.name; }

using Body = ExitCode (*)(const Scenario&, const RunOptions&);

// `run`, `profile` and `record` take the same arguments but for a few.
void add_live(CLI::App& app, CommandLine& line, const char* name, const char* about, const char* footer,
              Body body, bool several) {
  auto* command = app.add_subcommand(name, about);
  command->footer(footer);
  auto a = std::make_shared<RunArguments>();
  a->scenario.add_to(*command, several);
  const bool profiling = body == profile_scenario;
  command->add_option(
      "--out", a->options.out,
      profiling ? "profile file to write (default: results/NAME.profile.json)"
                : "result folder (default: results/NAME; with several scenarios, a subfolder for each)");
  if (profiling)
    command->add_flag(
        "--accuracy", a->options.accuracy,
        "also measure accuracy, on the scenario's inputs (--inputs N); requires labels and trained weights");
  else
    command->add_option("--profile", a->options.profile, "use this profile instead of measuring one");
  if (body == run_scenario)
    command->add_option("--recording", a->options.recording, "use this recording instead of making one");
  if (!profiling)
    command->add_flag(
        "--resume", a->options.resume,
        body == record_scenario
            ? "continue the recording in --out at the input where it was interrupted (same scenario)"
            : "continue the result in --out: keep its profile, continue its recording where it was "
              "interrupted, "
              "and run the schedulers again (earlier traces: OUT/interrupted-N); does nothing if the result "
              "is complete");
  command->add_flag("--allow-commands", a->options.allow_commands,
                    "let the scenario start its co-runner command and its schedulers cmd:PROGRAM, load its "
                    "schedulers lib:FILE.so, its power.nvml_library and networks that are native code "
                    "(AOTInductor packages), and write power caps below its power.root and "
                    "power.state_folder");
  command->add_flag("--dry-run", a->dry_run,
                    "show the effective scenario and the plan without running anything");
  add_common(*command, a->options);
  command->callback([a, &line, body, several] {
    line.action = [a, &line, body, several] {
      ExitCode worst = ExitCode::done;
      for (const std::string& file : a->scenario.files) {
        const Scenario s = a->scenario.read(file);
        if (a->dry_run) {
          const bool need_accuracy = a->options.needs_accuracy();
          const std::string plan = describe_plan(s, need_accuracy);
          const Scenario effective = body == profile_scenario ? s : check_before(s, need_accuracy).scenario;
          print_out("{}\n", json_text(effective.to_json(), 2));
          say_text(plan);
          continue;
        }
        RunOptions o = a->options;
        o.argv = line.argv;
        if (o.out.empty())
          o.out = body == profile_scenario ? default_folder(s) + ".profile.json" : default_folder(s);
        else if (several && a->scenario.files.size() > 1)
          o.out += "/" + s.name;
        const ExitCode code = body(s, o);
        if (code != ExitCode::done) worst = code;
      }
      return worst;
    };
  });
}

}  // namespace

void add_run(CLI::App& app, CommandLine& line) {
  add_live(
      app, line, "run",
      "run a scenario: profile, record, run every scheduler live and in replay, print a summary",
      "Examples:\n"
      "  alert-bench run scenarios/quickstart.json\n"
      "  alert-bench run scenarios/default.json scenarios/memory-2.json --data imagenet=DIR --networks FILE\n"
      "  alert-bench run scenarios/quickstart.json --inputs 40 --schedulers alert,oracle --set "
      "goals.0.accuracy=0.9\n"
      "Then: scripts/figures.py RESULT",
      run_scenario, true);
}

void add_profile(CLI::App& app, CommandLine& line) {
  add_live(app, line, "profile",
           "measure the latency of every network and stage under every power cap, without contention",
           "Examples:\n"
           "  alert-bench profile scenarios/quickstart.json --out profiles/mine.json\n"
           "  alert-bench profile scenarios/default.json --networks FILE --data imagenet=DIR --accuracy "
           "--inputs 800",
           profile_scenario, false);
}

void add_record(CLI::App& app, CommandLine& line) {
  add_live(
      app, line, "record", "record what every configuration does on every input, for replay and the oracles",
      "Example: alert-bench record scenarios/quickstart.json --out results/recording\n"
      "         alert-bench record scenarios/quickstart.json --out results/recording --resume\n"
      "To repeat a recording, use another seed (other co-runner phases, other inputs); a sweep tells its "
      "cells apart by the seed:\n"
      "         for seed in 1 2 3; do alert-bench record scenarios/ptb.json --seed $seed --out "
      "results/ptb-$seed; done\n"
      "Then:    alert-bench replay results/recording/recording --schedulers alert,oracle",
      record_scenario, false);
}

}  // namespace alertbench
