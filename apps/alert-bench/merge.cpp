#include "sweep/merge.h"

#include <memory>

#include "commands.h"

namespace alertbench {

void add_merge(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("merge", "join the shards of a sweep, or other evaluations, into one");
  command->footer(
      "All shards of a sweep give the same evaluation.json, byte for byte, as the sweep in one piece. Cells "
      "that\n"
      "no folder holds are named, and the exit code is 4; of a shard that was killed its finished cells are\n"
      "taken. Evaluations that differ in schedulers, settings or grid are refused; so is a cell with two\n"
      "different contents.\n"
      "Examples:\n"
      "  alert-bench merge results/part-1 results/part-2 results/part-3 --out results/mine\n"
      "  alert-bench merge results/images results/sentences --out results/all     (other sweeps, same "
      "schedulers)");
  struct MergeArguments {
    std::vector<std::string> folders;
    MergeOptions options;
  };
  auto a = std::make_shared<MergeArguments>();
  command->add_option("DIR", a->folders, "folders with an evaluation.json")->required();
  command->add_option("--out", a->options.out, "folder for the joined evaluation.json and manifest.json")
      ->required();
  command->add_flag("--overwrite", a->options.overwrite, "replace a merged result that is there already");
  command->add_flag("--quiet", a->options.quiet, "no talk on stderr");
  command->callback([a, &line] {
    line.action = [a, &line] {
      a->options.argv = line.argv;
      return merge_evaluations(a->folders, a->options);
    };
  });
}

}  // namespace alertbench
