#include <optional>
#include <utility>

#include "base/console.h"
#include "live/live_session.h"
#include "runner/live_result.h"
#include "runner/measurements.h"
#include "runner/preflight.h"
#include "runner/resume.h"
#include "runner/run.h"
#include "runner/run_result.h"

namespace alertbench {
namespace {

// The verdict on a recording that is whole, of a run that was killed before it could give one.
ExitCode conclude_recording(const Scenario& scenario, const RunOptions& options, const Recording& recording,
                            FolderLock lock) {
  ResultFolder result(std::move(lock));
  begin_run(result, scenario, options, {});
  return result.guarded([&] {
    add_inputs(result.manifest, scenario);
    result.manifest.accuracy_source = recording.info.value("accuracy_source", "profile");
    result.manifest.energy_source = recording.profile.energy_source;
    result.manifest.warnings.push_back(
        "the run was cut off after its recording: what it would have reported at its end (co-runner, noise, "
        "caps) is not known; what it reported at its start is in interrupted-N/manifest.json");
    return result.conclude({}, options.quiet);
  });
}

}  // namespace

ExitCode record_scenario(const Scenario& asked, const RunOptions& options) {
  const Preflight preflight = check_before(asked, options.needs_accuracy());
  const Scenario& scenario = preflight.scenario;
  check_permissions(scenario, options.allow_commands);
  std::unique_ptr<Workload> workload = open_workload(scenario);
  check_arrivals(scenario, *workload);
  std::optional<Recording> so_far;
  FolderLock lock(options.out);
  if (options.resume) {
    so_far = recording_so_far(scenario, options.out + "/recording");
    if (so_far && so_far->complete()) {
      if (!options.quiet)
        say("--resume: {}/recording: is complete, with all {} inputs; there is nothing to continue",
            options.out, so_far->truth.inputs);
      if (is_complete(options.out)) return ExitCode::done;
      keep_interrupted(options.out);  // killed between the recording's end and its verdict
      return conclude_recording(scenario, options, *so_far, std::move(lock));
    }
  }
  ResultFolder result(std::move(lock));
  begin_run(result, scenario, options, {});
  return result.guarded([&] {
    LiveSession session(scenario, std::move(workload), options.allow_commands, options.quiet);
    describe_start(result, session, preflight, options);
    const MachineUse use_before = read_machine_use();
    Measurements measurements(session, result, options, std::move(so_far));
    const Profile profile = measurements.profile();
    session.co_runner.calibrate(*session.bench, session.clock, session.progress);
    measurements.recording(profile);
    session.co_runner.stop();
    const std::vector<std::string> reasons = describe_end(result, session, use_before, options.strict);
    return result.conclude(reasons, options.quiet);
  });
}

}  // namespace alertbench
