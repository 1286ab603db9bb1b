#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/console.h"
#include "base/interrupt.h"
#include "live/live_environment.h"
#include "live/live_session.h"
#include "plugins/external_schedulers.h"
#include "runner/live_result.h"
#include "runner/measurements.h"
#include "runner/preflight.h"
#include "runner/resume.h"
#include "runner/run.h"
#include "runner/run_result.h"
#include "runner/scheduler_matrix.h"
#include "runner/summary_json.h"
#include "schedulers/external.h"

namespace alertbench {
namespace {

// Schedulers take turns of a few inputs, in an order that turns by one place a round: drift of the machine
// hits all alike. Ends early where interrupted.
void take_turns(SchedulerMatrix& matrix, LiveSession& session, int64_t inputs) {
  const int64_t round = session.scenario.round_inputs;
  for (int64_t start = 0; start < inputs; start += round)
    for (size_t k = 0; k < matrix.entries(); ++k) {
      const size_t entry = (k + static_cast<size_t>(start / round)) % matrix.entries();
      static_cast<LiveEnvironment&>(matrix.environment(entry)).begin_turn();
      for (int64_t input = start; input < std::min(inputs, start + round); ++input) {
        if (interrupted()) return;
        matrix.step(entry, input);
        session.progress.step();
      }
    }
}

SchedulerMatrix run_live(const Experiment& experiment, LiveSession& session, EnergyMeter& meter,
                         int64_t inputs) {
  SchedulerMatrix matrix(experiment, "live", inputs, &session.clock, [&](const Goals& g) {
    return std::make_unique<LiveEnvironment>(
        LiveEnvironment::Parts{experiment.recording.profile, *session.bench, *session.power.caps, meter,
                               session.co_runner, session.clock},
        g, experiment.arrivals);
  });
  session.co_runner.begin_part("live");
  session.progress.begin("Running live", inputs * static_cast<int64_t>(matrix.entries()));
  try {
    take_turns(matrix, session, inputs);
  } catch (const Error& e) {
    matrix.finish_traces_after(e);
    throw;
  }
  session.progress.end();
  for (size_t entry = 0; entry < matrix.entries(); ++entry)
    matrix.finish_trace(entry, interrupted() ? "interrupted" : "");
  return matrix;
}

void describe_meter(Manifest& manifest, const EnergyMeter& meter) {
  const nlohmann::ordered_json metered = meter.facts();
  manifest.power["meter"] = metered;
  if (const int64_t brief = metered.value("windows_under_five_refreshes", int64_t{0}); brief > 0)
    manifest.warnings.push_back(fmt::format(
        "energy: {} of {} executions were shorter than five refreshes of the counter: their energy is the "
        "power that the profile measured over long windows for the network and cap, times their duration",
        brief, metered.value("windows", int64_t{0})));
}

}  // namespace

ExitCode run_scenario(const Scenario& asked, const RunOptions& options) {
  // Bad input is told before anything is written.
  const Preflight preflight = check_before(asked, options.needs_accuracy());
  const Scenario& scenario = preflight.scenario;
  check_permissions(scenario, options.allow_commands);
  check_external_schedulers(scenario.schedulers, options.allow_commands, scenario.path);
  check_file_limit(scenario);
  std::unique_ptr<Workload> workload = open_workload(scenario);
  check_arrivals(scenario, *workload);
  std::optional<Recording> so_far;
  std::string recording_path = options.recording;
  FolderLock lock(options.out);
  if (options.resume) {
    if (is_complete(options.out)) {
      if (!options.quiet) say("--resume: {}: is complete; there is nothing to continue", options.out);
      return ExitCode::done;
    }
    if (recording_path.empty()) so_far = recording_so_far(scenario, options.out + "/recording");
    if (so_far && so_far->complete()) {
      recording_path = options.out + "/recording";
      so_far.reset();
    }
    keep_interrupted(options.out);
  }
  ResultFolder result(std::move(lock));
  result.manifest.external_schedulers = describe_external_schedulers(scenario.schedulers);
  begin_run(result, scenario, options,
            trace_names(result_names(scenario.schedulers), setting_names(scenario), {"live", "replay"}));
  return result.guarded([&] {
    LiveSession session(scenario, std::move(workload), options.allow_commands, options.quiet);
    describe_start(result, session, preflight, options);
    const MachineUse use_before = read_machine_use();
    Measurements measurements(session, result, options, std::move(so_far));
    const auto calibrate = [&] {
      session.co_runner.calibrate(*session.bench, session.clock, session.progress);
    };
    Recording recording;
    if (recording_path.empty()) {
      const Profile profile = measurements.profile();
      calibrate();
      recording = measurements.recording(profile);
    } else {
      recording = measurements.recording_at(recording_path);
      calibrate();
    }

    const Experiment experiment(scenario, recording, result.manifest.accuracy_source,
                                result.path() + "/traces");
    const auto meter = session.power.make_meter(recording.profile);
    const int64_t inputs = std::min<int64_t>(scenario.inputs, recording.truth.inputs);
    std::optional<SchedulerMatrix> live;
    result.check_place();
    if (!interrupted()) live.emplace(run_live(experiment, session, *meter, inputs));
    session.co_runner.stop();
    const std::vector<std::string> reasons = describe_end(result, session, use_before, options.strict);
    describe_meter(result.manifest, *meter);
    session.power.caps->restore();
    result.check_place();
    const SchedulerMatrix replay = run_replay(experiment, inputs);
    const nlohmann::ordered_json summary =
        summary_json(experiment, live ? live->summaries() : std::vector<Summary>(), replay.summaries());
    write_summary(result, summary);
    print_summary(summary, options.json);
    return result.conclude(reasons, options.quiet);
  });
}

}  // namespace alertbench
