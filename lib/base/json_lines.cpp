#include "base/json_lines.h"

#include <fcntl.h>
#include <fmt/compile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "base/text_file.h"

namespace alertbench {
namespace {

// An input of the largest recording (some thousand rows by a dozen caps) takes a megabyte.
constexpr JsonLimits line_limits{size_t{64} << 20, 16, 4000000};

}  // namespace

LineFile::LineFile(std::string path, Start start) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (start == Start::empty ? O_TRUNC : 0), 0666);
  if (const int reason = errno; file_ < 0)
    throw RunError(fmt::format("{}: cannot create this file ({}){}", path_, std::strerror(reason),
                               limit_behind(reason)));
  if (start == Start::keep) size_ = std::max<int64_t>(0, ::lseek(file_, 0, SEEK_END));
}

LineFile::~LineFile() { ::close(file_); }

void LineFile::append(std::string_view line) {
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int reason = errno;
      // On a device there is nothing to take off; readers tolerate a truncated line in any case.
      const bool whole = ::ftruncate(file_, size_) == 0 && ::lseek(file_, size_, SEEK_SET) == size_;
      throw RunError(fmt::format("{}: cannot write ({}); {} bytes of complete lines are kept{}{}", path_,
                                 std::strerror(reason), size_,
                                 whole ? "" : ", the last line may be truncated", limit_behind(reason)));
    }
    rest.remove_prefix(static_cast<size_t>(written));
  }
  size_ += static_cast<int64_t>(line.size());
}

int64_t read_json_lines(const std::string& path,
                        const std::function<void(const nlohmann::json&, int64_t)>& line) {
  LineReader lines(path, line_limits.bytes);
  for (std::string text; lines.next(text);) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    nlohmann::json value;
    try {
      value = parse_json(text, path, line_limits, lines.number());
    } catch (const InputError&) {
      if (lines.ended()) throw;
      return lines.number();
    }
    line(value, lines.number());
  }
  return 0;
}

void append_number(LineBuffer& out, double value) {
  if (std::isfinite(value))
    fmt::format_to(fmt::appender(out), FMT_COMPILE("{}"), value);
  else
    append_text(out, "null");
}

void append_number(LineBuffer& out, const std::optional<double>& value) {
  append_number(out, value.value_or(std::nan("")));
}

void append_string(LineBuffer& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!plain) return append_text(out, json_text(std::string(text)));
  out.push_back('"');
  append_text(out, text);
  out.push_back('"');
}

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace alertbench
