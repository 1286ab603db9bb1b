// Profile and recording of a live command: measured, or taken from elsewhere.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "live/live_session.h"
#include "recording/recording.h"
#include "result/result_folder.h"
#include "runner/run.h"

namespace alertbench {

class Measurements {
 public:
  // `so_far` is a recording to continue. InputError where its inputs are not the session's. Session, result
  // and options must outlive this object.
  Measurements(LiveSession& session, ResultFolder& result, const RunOptions& options,
               std::optional<Recording> so_far = {});

  // The profile of the recording that is continued, that of --profile, or a new one; written to the result.
  Profile profile();
  // The rest of the scenario's inputs.
  Recording recording(const Profile& profile);
  // A recording made before. InputError where it is not of this scenario's networks, caps and inputs.
  Recording recording_at(const std::string& path);

 private:
  void check(const Profile& profile, const std::string& path);
  void check_caps(const Profile& profile);
  nlohmann::ordered_json recording_info(const Profile& profile, const std::optional<double>& pace_deadline_s);
  void warn(const std::string& warning);

  LiveSession& session_;
  ResultFolder& result_;
  const RunOptions& options_;
  std::optional<Recording> so_far_;
};

}  // namespace alertbench
