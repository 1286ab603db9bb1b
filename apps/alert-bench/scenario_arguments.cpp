#include <fmt/format.h>

#include <algorithm>

#include "base/installation.h"
#include "commands.h"
#include "schedulers/external.h"
#include "workloads/workload_factory.h"

namespace alertbench {

void SchedulerArguments::add_to(CLI::App& command, const std::string& remark) {
  command.add_option("--schedulers", listed, "run only these, separated by commas (" + remark + ")")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--scheduler", single,
                  "run only this one and those of --schedulers (repeatable). lib:FILE.so and \"cmd:PROGRAM "
                  "ARGUMENTS\" are schedulers of your own, and need --allow-commands")
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false);
}

std::vector<std::string> SchedulerArguments::all() const {
  std::vector<std::string> named = listed;
  named.insert(named.end(), single.begin(), single.end());
  for (std::string& scheduler : named) scheduler = with_file_in(".", scheduler);
  return named;
}

void ScenarioArguments::add_to(CLI::App& command, bool several) {
  auto* option = command.add_option(
      "SCENARIO", files,
      several ? "scenario files, or names of shipped scenarios (such as quickstart), run one after the other"
              : "scenario file, or the name of a shipped scenario (such as quickstart)");
  option->required();
  if (!several) option->expected(1);
  command
      .add_option(
          "--set", overrides,
          "change a scenario key: inputs=50, co_runner.slowdown=1.5, goals.0.accuracy=0.9 (repeatable)")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--data", data,
                  "folder with a workload's data: imagenet=DIR, ptb=DIR (see `alert-bench list workloads`)")
      ->type_name("WORKLOAD=DIR")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--device", device,
                  "where networks run: cpu, or cuda (the first GPU; requires a LibTorch built for CUDA)")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  command.add_option("--networks", networks, "network file to use instead of the scenario's");
  inputs_option = command.add_option("--inputs", inputs, "number of inputs to use instead of the scenario's");
  seed_option = command.add_option(
      "--seed", seed,
      "seed of the input order; +1, +2, +3, +4 seed the schedule, the co-runner, the bootstrap and random "
      "arrivals");
  schedulers.add_to(command, "see `alert-bench list schedulers`");
}

Scenario ScenarioArguments::read(const std::string& given_file) const {
  const std::string file = find_scenario(given_file);
  std::vector<std::string> all = overrides;
  if (inputs_option->count() > 0) {
    all.push_back(fmt::format("inputs={}", inputs));
    // A short run has a short warm-up, unless the user sets one.
    bool told = false;
    for (const std::string& o : overrides) told = told || o.rfind("warmup_inputs=", 0) == 0;
    if (!told) {
      // Arrivals may be too few for the inputs of the file, but enough for these.
      std::vector<std::string> without_arrivals = overrides;
      without_arrivals.push_back("arrivals=closed");
      const int given = Scenario::read(file, without_arrivals).warmup_inputs;
      if (given * 5 > inputs) all.push_back(fmt::format("warmup_inputs={}", inputs / 5));
    }
  }
  if (seed_option->count() > 0)
    for (const auto& [key, add] :
         {std::pair{"inputs", 0}, {"schedule", 1}, {"co_runner", 2}, {"bootstrap", 3}, {"arrivals", 4}})
      all.push_back(fmt::format("seeds.{}={}", key, seed + static_cast<uint64_t>(add)));
  if (!device.empty()) all.push_back("placement.device=" + device);
  if (const auto named = schedulers.all(); !named.empty())
    all.push_back("schedulers=" + nlohmann::json(named).dump());
  Scenario s = Scenario::read(file, all);
  if (!networks.empty()) s.networks = networks;
  for (const std::string& entry : data) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals + 1 == entry.size())
      throw InputError(
          fmt::format("--data {}: expected WORKLOAD=DIR, for example --data {}=/path", entry, s.workload));
    const std::string name = entry.substr(0, equals);
    const std::vector<std::string> known = workload_names();
    if (name == s.workload)
      s.data = entry.substr(equals + 1);
    else if (std::find(known.begin(), known.end(), name) == known.end())
      throw InputError(fmt::format("--data {}: unknown workload \"{}\"; this scenario's is \"{}\"", entry,
                                   name, s.workload));
  }
  return s;
}

void add_common(CLI::App& command, RunOptions& options) {
  command.add_flag("--quiet", options.quiet,
                   "print no progress and no notes to stderr (`profile` still warns)");
  command.add_flag("--json", options.json, "print the summary as JSON instead of a table");
  command.add_flag("--strict", options.strict, "treat warnings (noise, random weights, ...) as errors");
  command.add_flag("--overwrite", options.overwrite, "replace an existing result");
}

}  // namespace alertbench
