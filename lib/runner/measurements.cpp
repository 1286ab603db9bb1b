#include "runner/measurements.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/host.h"
#include "live/live_pace.h"
#include "live/recorder.h"
#include "recording/phase_slowdown.h"
#include "runner/run_result.h"

namespace alertbench {

using nlohmann::ordered_json;

Measurements::Measurements(LiveSession& session, ResultFolder& result, const RunOptions& options,
                           std::optional<Recording> so_far)
    : session_(session), result_(result), options_(options), so_far_(std::move(so_far)) {
  if (!so_far_) return;
  for (int64_t n = 0; n < so_far_->truth.inputs; ++n)
    if (const std::string& id = so_far_->input_ids[static_cast<size_t>(n)]; id != session_.bench->input_id(n))
      throw InputError(
          fmt::format("--resume: input {} of the recording is \"{}\", the scenario's is \"{}\"; use the "
                      "data that it was begun with",
                      n, id, session_.bench->input_id(n)));
}

void Measurements::check(const Profile& p, const std::string& path) {
  session_.check_profile(p, path);
  const std::string here = session_.hardware();
  if (const std::string& pace = session_.scenario.record_pace; p.pace != pace)
    warn(fmt::format(
        "{}: measured at pace \"{}\", this scenario's record.pace is \"{}\": networks of a few milliseconds "
        "take a different time after idle time; measure it again, or use --set record.pace={}",
        path, p.pace, pace, p.pace));
  if (p.host != here) warn(fmt::format("{}: measured on \"{}\", this machine is \"{}\"", path, p.host, here));
}

void Measurements::check_caps(const Profile& p) {
  for (const std::string& w : session_.check_caps(p)) warn(w);
}

Profile Measurements::profile() {
  Profile p;
  if (so_far_) {
    p = so_far_->profile;
    check(p, "the recording's profile");
  } else if (options_.profile.empty()) {
    p = session_.measure_profile();
    if (p.noise_verdict.rfind("noisy", 0) == 0) warn("profile: " + p.noise_verdict);
  } else {
    p = Profile::read(options_.profile);
    check(p, options_.profile);
    result_.manifest.add_file(options_.profile);
  }
  write_profile(result_, p);
  check_caps(p);
  return p;
}

ordered_json Measurements::recording_info(const Profile& profile,
                                          const std::optional<double>& pace_deadline_s) {
  const Scenario& s = session_.scenario;
  return {{"scenario", s.to_json()},
          {"scenario_path", s.path},
          {"host", to_json(read_host())},
          {"energy_source", profile.energy_source},
          {"accuracy_source", session_.accuracy_measured() ? "measured" : "profile"},
          {"pace", s.record_pace},
          {"pace_deadline_s", pace_deadline_s ? ordered_json(*pace_deadline_s) : ordered_json()},
          {"session", session_.facts()}};
}

Recording Measurements::recording(const Profile& profile) {
  const Scenario& s = session_.scenario;
  const std::string folder = result_.path() + "/recording";
  const LivePace pace(*session_.bench, s, profile);
  result_.check_place();
  std::unique_ptr<RecordingWriter> writer;
  if (so_far_) {
    const int64_t done = so_far_->truth.inputs;
    so_far_->info["resumed"].push_back(
        {{"at_input", done}, {"at", utc_now()}, {"host", to_json(read_host())}});
    session_.progress.note(
        fmt::format("Continuing at input {} of {}, with the earlier profile", done, s.inputs));
    writer = std::make_unique<RecordingWriter>(folder, std::move(*so_far_));
  } else {
    writer = std::make_unique<RecordingWriter>(folder, profile, recording_info(profile, pace.deadline_s()),
                                               s.inputs);
  }
  record_truth(*session_.bench, profile, pace, *session_.power.caps, session_.co_runner, session_.clock,
               session_.progress, *writer);
  writer->info()["co_runner"] = session_.co_runner.facts();
  result_.check_place();
  const Recording& done = writer->finish();
  ordered_json slowdowns = slowdown_facts(done.truth, profile);
  if (s.co_runner.kind != "none" && !slowdowns["median_ratio_over_networks"].is_null())
    session_.progress.note(
        fmt::format("Measured slow-down in the recording: {:.2f} at the median, {:.2f} on average",
                    slowdowns["median_ratio_over_networks"].get<double>(),
                    slowdowns["mean_ratio_over_networks"].get<double>()));
  Recording copy = done;
  copy.info["slowdowns"] = slowdowns;
  copy.save(folder);
  return copy;
}

Recording Measurements::recording_at(const std::string& path) {
  const Scenario& scenario = session_.scenario;
  Recording recording = Recording::load(path);
  check(recording.profile, path);
  if (recording.truth.inputs < scenario.inputs)
    throw InputError(fmt::format("{}: holds {} inputs, the scenario has {}; use --inputs {}", path,
                                 recording.truth.inputs, scenario.inputs, recording.truth.inputs));
  for (int64_t n = 0; n < scenario.inputs; ++n)
    if (const std::string& id = recording.input_ids[static_cast<size_t>(n)];
        id != session_.bench->input_id(n))
      throw InputError(
          fmt::format("{}: input {} is \"{}\", the scenario's is \"{}\"; use the data and --seed that it "
                      "was recorded with",
                      path, n, id, session_.bench->input_id(n)));
  check_caps(recording.profile);
  write_profile(result_, recording.profile);
  return recording;
}

void Measurements::warn(const std::string& warning) {
  result_.manifest.warnings.push_back(warning);
  session_.progress.note("warning: " + warning);
  refuse_warnings({warning}, options_.strict);
}

}  // namespace alertbench
