#include "runner/result_folder.h"

#include <fmt/format.h>

#include "trace/atomic_file.h"
#include "trace/host.h"

namespace alertbench {

ResultFolder::ResultFolder(const nlohmann::ordered_json& scenario, const RunOptions& options) : folder_(options.out) {
  make_result_folder(folder_, options.overwrite);
  manifest.started_at = utc_now();
  manifest.argv = options.argv;
  manifest.scenario = scenario;
  if (scenario.contains("seeds")) manifest.seeds = scenario["seeds"];
  manifest.energy_source = "model";
  manifest.accuracy_source = "profile";
  manifest.host = read_host();
  write();
}

void ResultFolder::finish(RunStatus status) {
  manifest.status = status;
  manifest.finished_at = utc_now();
  write();
}

ExitCode conclude(ResultFolder& result, std::vector<std::string> reasons, bool quiet) {
  const bool partial = interrupted();
  if (partial) reasons.insert(reasons.begin(), fmt::format("interrupted by signal {}", interrupt_signal()));
  result.manifest.verdict = {reasons.empty(), reasons};
  result.finish(partial ? RunStatus::partial : RunStatus::complete);
  for (const std::string& r : reasons) fmt::print(stderr, "alert-bench: the result is not valid: {}\n", r);
  if (!quiet) fmt::print(stderr, "Result: {}\n", result.path());
  return partial ? ExitCode::run_failed : reasons.empty() ? ExitCode::done : ExitCode::invalid_result;
}

}  // namespace alertbench
