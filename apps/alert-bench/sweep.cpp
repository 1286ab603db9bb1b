#include "sweep/sweep.h"

#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "commands.h"

namespace alertbench {

void add_sweep(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "sweep", "evaluate schedulers over many recordings, tasks and goals; can be split and resumed");
  command->footer(
      "SWEEP.json lists recordings, relative to the file; patterns are allowed. Only the first four keys "
      "are\n"
      "required:\n"
      "  { \"schema_version\": \"1.0\", \"kind\": \"sweep\", \"name\": \"mine\",\n"
      "    \"recordings\": [\"recordings/*\"],\n"
      "    \"tasks\": [\"min_energy\", \"min_error\"], \"schedulers\": [\"alert\", \"sys-only\"],\n"
      "    \"scheduler_settings\": { \"alert\": { \"preset\": \"tuned\" } },\n"
      "    \"grid\": { \"deadlines\": 6, \"levels\": 6, \"deadline_low_x\": 0.4, \"deadline_high_x\": 2.0 } "
      "}\n"
      "Schedulers may also be lib:FILE.so and cmd:PROGRAM, with --allow-commands.\n"
      "A cell is a recording with a task. Each cell is written to DIR/cells as soon as it is finished: after "
      "a\n"
      "kill, the same command continues. A cell that fails does not stop the rest (exit code 4 at the end).\n"
      "Examples:\n"
      "  alert-bench sweep mine.json --out results/mine\n"
      "  alert-bench sweep mine.json --dry-run\n"
      "  alert-bench sweep mine.json --out results/part-2 --shard 2/3\n"
      "  alert-bench merge results/part-* --out results/mine\n"
      "  scripts/sweep.sbatch mine.json results/mine 20      (20 shards as a Slurm job array, then merge)");
  struct SweepArguments {
    std::string file, shard;
    SweepOptions options;
    bool resume = false, dry_run = false;
  };
  auto a = std::make_shared<SweepArguments>();
  command->add_option("SWEEP", a->file, "sweep file (JSON)")->required();
  command->add_option("--out", a->options.out, "folder for evaluation.json, manifest.json and cells/");
  command
      ->add_option("--shard", a->shard,
                   "evaluate only part I of N (every Nth cell); each part needs its own --out")
      ->type_name("I/N");
  command
      ->add_option("--threads", a->options.threads, "default: one per processor; results do not depend on it")
      ->check(CLI::Range(1, 1024));
  auto* resume =
      command->add_flag("--resume", a->resume, "continue with the contents of the folder (the default)");
  command->add_flag("--overwrite", a->options.overwrite, "evaluate every cell again")->excludes(resume);
  command->add_flag("--allow-commands", a->options.allow_commands,
                    "let the sweep file's schedulers lib:FILE.so and cmd:PROGRAM run their code");
  command->add_flag("--dry-run", a->dry_run, "list the cells and their shards without evaluating them");
  command->add_flag("--quiet", a->options.quiet, "print no progress and no notes to stderr");
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      if (!a->shard.empty()) a->options.shard = Shard::parse(a->shard);
      if (a->dry_run) {
        print_out("{}", describe_sweep(a->file, a->options));
        return ExitCode::done;
      }
      if (a->options.out.empty())
        throw InputError("sweep: --out is missing; pass a folder for the result, or --dry-run");
      return run_sweep(a->file, a->options);
    };
  });
}

}  // namespace alertbench
