#include "base/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>

namespace alertbench {
namespace {

int output_error = 0;  // the first one of standard output

// The code point that `text` begins with, and its bytes; none if they are not UTF-8.
std::optional<std::pair<char32_t, size_t>> first_of(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {{byte(0), 1}};
  const size_t length = byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) >= 0xf5 || text.size() < length) return {};
  char32_t c = byte(0) & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    c = c << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = c < (length == 4 ? 0x10000u : length == 3 ? 0x800u : 0x80u);
  return overlong || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? std::nullopt
                                                                 : std::optional(std::pair(c, length));
}

// Moves the cursor, starts a line, hides text or turns it round.
bool acts(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto c = first_of(text.substr(i));
    const size_t length = c ? c->second : 1;
    if (c && !acts(c->first))
      out += text.substr(i, length);
    else if (!c || c->first < 0x80)
      out += text[i] == '\n'   ? "\\n"
             : text[i] == '\t' ? "\\t"
                               : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    else
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c->first));
    i += length;
  }
  return out;
}

std::string shortened(const std::string& text) {
  constexpr size_t head = 4000, tail = 2000;
  if (text.size() <= head + tail) return text;
  const auto begins = [&](size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
  };  // of a character of UTF-8
  size_t first_end = head, last_begin = text.size() - tail;
  while (!begins(first_end)) --first_end;
  while (!begins(last_begin)) ++last_begin;
  return fmt::format("{} [... {} bytes omitted ...] {}", text.substr(0, first_end), last_begin - first_end,
                     text.substr(last_begin));
}

bool is_printable(std::string_view text) { return printable(text) == text; }

void prepare_standard_streams() {
  for (const int wanted : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(wanted, F_GETFD) < 0 && errno == EBADF) {
      // A standard output that was closed stays one that cannot be written.
      const int opened = ::open("/dev/null", wanted == STDERR_FILENO ? O_WRONLY : O_RDONLY);
      if (opened >= 0 && opened != wanted) {
        dup2(opened, wanted);
        ::close(opened);
      }
    }
  std::signal(SIGPIPE, SIG_IGN);
}

void say_text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void say_text_once(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard<std::mutex> lock(mutex);
  if (said.insert(text).second) say_text(text);
}

void print_text(std::string_view text) {
  static const bool terminal = isatty(STDOUT_FILENO) == 1;
  std::string safe;
  if (terminal) {
    for (size_t end = 0; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1))
      safe += printable(text.substr(0, end)) + "\n";
    safe += printable(text);
    text = safe;
  }
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && !output_error) output_error = errno;
}

void flush_output() {
  if (std::fflush(stdout) != 0 && !output_error) output_error = errno;
}

std::string finish_output() {
  flush_output();
  if (!output_error && std::ferror(stdout)) output_error = EIO;
  return output_error ? std::strerror(output_error) : "";
}

}  // namespace alertbench
