// JSON Lines: one JSON value per line, each line on disk as soon as it is written, so that a kill loses at
// most the line in progress.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace alertbench {

// A file that grows by complete lines. Not copyable.
class LineFile {
 public:
  enum class Start { empty, keep };
  explicit LineFile(std::string path,
                    Start start = Start::empty);  // creates it; existing content is dropped or kept
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // `line` ends in '\n'. RunError names the file and the reason; the lines before it stay complete, and a
  // part of this one that reached the disk is removed again.
  void append(std::string_view line);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int file_ = -1;
  int64_t size_ = 0;
};

// Calls `line` with every value and its line number from 1; blank lines are skipped. A truncated last
// line (no newline, incomplete JSON) is ignored: its number is returned, otherwise 0. Throws InputError for a
// file that cannot be read and for any other line that is not JSON (parse_json()) or is longer than 64 MiB.
int64_t read_json_lines(const std::string& path,
                        const std::function<void(const nlohmann::json&, int64_t)>& line);

// Pieces of a line, appended to `out`. Numbers are the shortest that read back to the same double,
// independent of the locale; NaN and infinities are null. Strings are quoted; bytes that are not UTF-8 become
// U+FFFD.
using LineBuffer = fmt::memory_buffer;
void append_number(LineBuffer& out, double value);
void append_number(LineBuffer& out, const std::optional<double>& value);
void append_string(LineBuffer& out, std::string_view text);
inline void append_text(LineBuffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

// One value on one line, or indented for people; never throws on text that is not UTF-8.
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

}  // namespace alertbench
