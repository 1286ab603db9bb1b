// Writes the trace of one scheduler under one goal setting: JSON Lines, a header, a line for each input, an
// end. trace_fields.h lists the keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_lines.h"
#include "core/profile.h"
#include "trace/trace_fields.h"

namespace alertbench {

// In replay nothing in a trace depends on the clock, so it is the same bit for bit each time.
class TraceWriter {
 public:
  // Creates the file and writes the header (of a replay: with the first lines, so that many can wait for
  // their turn without a file open). Names and caps are copied from the profile.
  TraceWriter(std::string path, const TraceHeader& header, const Profile& profile);
  ~TraceWriter();  // what is held back goes to the file, as far as it can be written

  // Formats into a buffer that is kept, numbers below 1000 rounded to 1e-12. Live, each line is on disk at
  // once; of a replay, which can be made again, lines are held back until there are 64 KiB of them. RunError
  // as LineFile::append().
  void write(const InputRecord& record);
  // The last line; the file is closed behind it. `status`: complete | partial, `reason`: why partial, else
  // empty; `verdict`: over the judged inputs, where there are any. Without it the trace reads as partial.
  void finish(const std::string& status = "complete", const std::string& reason = "",
              const std::optional<GoalVerdict>& verdict = {});

 private:
  void flush();

  std::string path_;
  std::optional<LineFile> file_;
  bool held_back_;
  LineBuffer lines_;                 // not yet on disk
  int64_t held_inputs_ = 0;          // of those lines
  std::vector<std::string> models_;  // as JSON strings
  std::vector<double> caps_w_;
  std::string co_runner_;  // as JSON
  int64_t inputs_ = 0;
};

// The line of one input as write() appends it, newline included; `models` and `co_runner` are JSON texts.
void format_input(LineBuffer& out, const InputRecord& record, const std::vector<std::string>& models,
                  const std::vector<double>& caps_w, const std::string& co_runner);

}  // namespace alertbench
