// Provides the profile and recording of a live command, which are either measured or read from files.
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
  // `so_far` is a recording to continue. InputError if its inputs differ from the session's. Session, result
  // and options must outlive this object.
  Measurements(LiveSession& session, ResultFolder& result, const RunOptions& options,
               std::optional<Recording> so_far = {});

  // Returns the profile of the recording that is continued, the one given by --profile, or a new one, and
  // writes it to the result.
  Profile profile();
  // Records the remaining inputs of the scenario.
  Recording recording(const Profile& profile);
  // Reads an existing recording. InputError unless it has this scenario's networks, caps and inputs.
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
