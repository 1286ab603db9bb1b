// A recording on disk: the truth table of one scenario, the profile it belongs to, and what made it.
//     recording.json   what is here: rows, caps, inputs, and each array with shape, unit, meaning and SHA-256
//     profile.json, stage_end_s.npy, co_runner_on.npy; where labels are known top1.npy, and top5.npy,
//     nll.npy, f1.npy, missed_*.npy as the workload has them; members_left.npy, size.npy where inputs are not
//     all alike inputs.part.jsonl   the finished inputs while a recording is being made
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_lines.h"
#include "core/profile.h"
#include "core/truth_table.h"

namespace alertbench {

constexpr const char* recording_schema_version = "1.0";

struct Recording {
  Profile profile;
  TruthTable truth;                    // of the complete inputs
  std::vector<std::string> input_ids;  // one an input
  int64_t planned_inputs = 0;          // more than truth.inputs where recording was cut off
  // Scenario, seeds, co-runner (duty, measured throughput), host, sources, warnings, slow-downs. `pace`:
  // "live", each execution behind the idle time of a live run whose deadline is `pace_deadline_s`
  // (live/live_pace.h); "none", one after the other; missing: "none".
  nlohmann::ordered_json info = nlohmann::ordered_json::object();
  int64_t complete_inputs() const { return truth.inputs; }
  bool complete() const { return truth.inputs == planned_inputs; }

  // The folder is made if need be. recording.json comes last: a kill leaves the recording that was there
  // before, or one whose checksums tell. RunError if a file cannot be written or the values are not a
  // recording.
  void save(const std::string& folder) const;
  // From the folder or its recording.json. An unfinished recording yields its complete inputs, none if it was
  // cut off early. InputError names the file and what is wrong: checksums, shapes, times that are not finite,
  // not positive, or fall with the stage.
  static Recording load(const std::string& folder_or_json);
};

struct RecordedInput {
  std::string input_id;
  std::vector<double> stage_end_s;    // [row][cap]
  std::vector<Correctness> correct;   // [row]; empty where unknown, then for all inputs
  std::optional<Correctness> missed;  // beside `correct`
  InputFacts facts;
  bool co_runner_on = false;
};

// Makes a recording input by input; each is on disk when append() returns.
class RecordingWriter {
 public:
  // Starts the folder (made if need be): profile.json, and a recording.json with status "running".
  RecordingWriter(std::string folder, Profile profile, nlohmann::ordered_json info, int64_t planned_inputs);

  // Goes on with one that was cut off (Recording::load): its inputs stay, in the part file again until
  // finish().
  RecordingWriter(std::string folder, Recording so_far);

  int64_t inputs() const { return recording_.truth.inputs; }  // so far
  // RunError if the values are not a recording, or the disk is full (the inputs before stay).
  void append(const RecordedInput& input);
  // The names of every file that it, or Recording::save(), may write into the folder.
  static std::vector<std::string> file_names();
  // Turns the inputs so far into arrays, and removes the part file. Call it after an interruption as well.
  const Recording& finish();

  // What only the end knows goes in here before finish().
  nlohmann::ordered_json& info() { return recording_.info; }

 private:
  std::string folder_;
  Recording recording_;
  LineFile part_;
};

}  // namespace alertbench
