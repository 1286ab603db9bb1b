#include "runner/run_result.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "recording/recording.h"

namespace alertbench {

std::vector<std::string> trace_names(const std::vector<std::string>& schedulers,
                                     const std::vector<std::string>& settings,
                                     const std::vector<std::string>& modes) {
  std::vector<std::string> names;
  for (const std::string& mode : modes)
    for (const std::string& setting : settings)
      for (const std::string& scheduler : schedulers)
        names.push_back(fmt::format("traces/{}.{}.{}.jsonl", scheduler, setting, mode));
  return names;
}

std::vector<std::string> setting_names(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const GoalSpec& g : scenario.goals) names.push_back(g.name);
  return names;
}

void begin_run(ResultFolder& result, const Scenario& scenario, const RunOptions& options,
               const std::vector<std::string>& traces) {
  Manifest& manifest = result.manifest;
  manifest.outputs = {"manifest.json", "profile.json", "summary.json", "evaluation.json"};
  for (const std::string& name : RecordingWriter::file_names())
    manifest.outputs.push_back("recording/" + name);
  manifest.outputs.insert(manifest.outputs.end(), traces.begin(), traces.end());
  result.make_room(options.resume      ? Existing::resume
                   : options.overwrite ? Existing::overwrite
                                       : Existing::refuse);
  manifest.energy_source = "model";
  manifest.accuracy_source = "profile";
  const nlohmann::ordered_json effective = scenario.to_json();
  result.begin(options.argv, effective, effective.at("seeds"));
}

void write_profile(const ResultFolder& result, const Profile& profile) {
  write_file_atomically(result.path() + "/profile.json", profile.to_json().dump(1) + "\n");
}

void refuse_warnings(const std::vector<std::string>& warnings, bool strict) {
  if (strict && !warnings.empty())
    throw EnvironmentError(fmt::format("--strict: {}", fmt::join(warnings, "; ")));
}

}  // namespace alertbench
