#include "sweep/sweep.h"

#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "commands.h"

namespace alertbench {

void add_sweep(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "sweep", "judge schedulers over many recordings, tasks and goals; in parts, resumable");
  command->footer(
      "SWEEP.json lists recordings (beside the file; patterns too). Only the first four keys must be there:\n"
      "  { \"schema_version\": \"1.0\", \"kind\": \"sweep\", \"name\": \"mine\",\n"
      "    \"recordings\": [\"recordings/*\"],\n"
      "    \"tasks\": [\"min_energy\", \"min_error\"], \"schedulers\": [\"alert\", \"sys-only\"],\n"
      "    \"scheduler_settings\": { \"alert\": { \"preset\": \"tuned\" } },\n"
      "    \"grid\": { \"deadlines\": 6, \"levels\": 6, \"deadline_low_x\": 0.4, \"deadline_high_x\": 2.0 } "
      "}\n"
      "A cell is a recording with a task. Each finished one is in DIR/cells at once: after a kill, the same\n"
      "command goes on where it stopped. A cell that fails does not stop the rest (exit code 4 at the end).\n"
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
                   "evaluate part I of N only (every Nth cell); each part has its own --out")
      ->type_name("I/N");
  command
      ->add_option("--threads", a->options.threads,
                   "default: as many as processors; results do not depend on it")
      ->check(CLI::Range(1, 1024));
  auto* resume = command->add_flag("--resume", a->resume, "go on with what the folder holds (the default)");
  command->add_flag("--overwrite", a->options.overwrite, "evaluate every cell anew")->excludes(resume);
  command->add_flag("--dry-run", a->dry_run, "list the cells and their shards, evaluate nothing");
  command->add_flag("--quiet", a->options.quiet, "no progress and no talk on stderr");
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      if (!a->shard.empty()) a->options.shard = Shard::parse(a->shard);
      if (a->dry_run) {
        print_out("{}", describe_sweep(a->file, a->options));
        return ExitCode::done;
      }
      if (a->options.out.empty())
        throw InputError("sweep: --out is missing; give a folder for the result, or --dry-run");
      return run_sweep(a->file, a->options);
    };
  });
}

}  // namespace alertbench
