#include "runner/live_result.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "host/host.h"
#include "runner/run_result.h"

namespace alertbench {

void add_inputs(Manifest& manifest, const Scenario& scenario) {
  for (const std::string& file : scenario.files)
    if (std::filesystem::exists(file)) manifest.add_file(file);
  manifest.add_file(scenario.networks);
  for (const std::string& file : {scenario.co_runner.schedule.read_from, scenario.arrivals.read_from})
    if (!file.empty() && std::filesystem::exists(file)) manifest.add_file(file);
  for (const NetworkSpec& n : candidates_of(scenario))
    for (const NetworkSpec* part : n.parts())
      if (!part->random_weights()) manifest.add_file(part->weights);
}

std::vector<std::string> noise_before(Clock& clock) {
  constexpr double look_s = 0.5;
  const MachineUse before = read_machine_use();
  clock.sleep_until(clock.now_s() + look_s);
  std::vector<std::string> all = noise_warnings(read_host());
  for (std::string& w : noise_warnings(between(before, read_machine_use()))) all.push_back(std::move(w));
  return all;
}

void describe_start(ResultFolder& result, LiveSession& session, const Preflight& preflight,
                    const RunOptions& options) {
  Manifest& m = result.manifest;
  add_inputs(m, session.scenario);
  const nlohmann::ordered_json facts = session.facts();
  m.libraries = {{"inference", facts.at("inference")}};
  m.data = facts.at("data");
  m.networks = facts.at("networks");
  m.placement = facts.at("placement");
  m.power = facts.at("power");
  m.warnings = session.warnings();
  for (std::string& w : noise_before(session.clock)) m.warnings.push_back(std::move(w));
  m.accuracy_source = session.accuracy_measured() ? "measured" : "profile";
  m.energy_source = session.power.energy_source();
  result.write();
  for (const auto* notes : {&preflight.notes, &session.placement.notes})
    for (const std::string& n : *notes) session.progress.note("note: " + n);
  if (!preflight.notes.empty()) m.schedulers_left_out = preflight.notes;
  for (const std::string& w : m.warnings) session.progress.note("warning: " + w);
  refuse_warnings(m.warnings, options.strict);
}

std::vector<std::string> describe_end(ResultFolder& result, LiveSession& session, const MachineUse& before,
                                      bool strict) {
  Manifest& manifest = result.manifest;
  manifest.co_runner = session.co_runner.facts();
  manifest.power = session.power_facts();
  std::vector<std::string> all = session.problems();
  const Disturbance disturbance = between(before, read_machine_use());
  manifest.machine_use = to_json(disturbance);
  for (const std::string& w : noise_warnings(disturbance))
    (strict ? all : manifest.warnings).push_back((strict ? "--strict: " : "") + w);
  if (const int times = times_continued(); times > 0)
    all.push_back(
        fmt::format("the run was stopped and continued (SIGCONT came {} times): the latency of an input in "
                    "progress includes the stop",
                    times));
  if (disturbance.suspended_s > 0)
    all.push_back(
        fmt::format("the machine was suspended for {:.1f} s during the run", disturbance.suspended_s));
  return all;
}

}  // namespace alertbench
