#include "sweep/merge.h"

#include <memory>

#include "commands.h"

namespace alertbench {

void add_merge(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("merge", "join the shards of a sweep, or other evaluations, into one");
  command->footer(
      "All shards of a sweep together give the same evaluation.json, byte for byte, as the sweep as a "
      "whole.\n"
      "Cells that no folder contains are named, and the exit code is 4. From a shard that was killed, the\n"
      "finished cells are used. Evaluations that differ in schedulers, settings or grid are refused, and so\n"
      "are two different versions of one cell.\n"
      "Examples:\n"
      "  alert-bench merge results/part-1 results/part-2 results/part-3 --out results/mine\n"
      "  alert-bench merge results/images results/sentences --out results/all     (other sweeps, same "
      "schedulers)");
  struct MergeArguments {
    std::vector<std::string> folders;
    MergeOptions options;
  };
  auto a = std::make_shared<MergeArguments>();
  command->add_option("DIR", a->folders, "folders that contain an evaluation.json")->required();
  command->add_option("--out", a->options.out, "folder for the joined evaluation.json and manifest.json")
      ->required();
  command->add_flag("--overwrite", a->options.overwrite, "replace an existing merged result");
  command->add_flag("--quiet", a->options.quiet, "print no progress and no notes to stderr");
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      return merge_evaluations(a->folders, a->options);
    };
  });
}

}  // namespace alertbench
