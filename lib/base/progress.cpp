#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "base/console.h"

namespace alertbench {
namespace {

const std::string start_of_line = "\r\033[K";

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string duration(double s) {
  if (s < 60) return fmt::format("{:.0f} s", s);
  return fmt::format("{:.0f} min {:02.0f} s", (s - static_cast<int>(s) % 60) / 60,
                     static_cast<double>(static_cast<int>(s) % 60));
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::begin(const std::string& what, int64_t steps) {
  what_ = what;
  steps_ = steps;
  done_ = 0;
  start_s_ = shown_s_ = now_s();
  if (!quiet_ && !terminal_) say("{} ...", what_);
}

void Progress::step() {
  ++done_;
  if (quiet_) return;
  const double now = now_s();
  if (now - shown_s_ < (terminal_ ? 0.25 : 15.0)) return;
  shown_s_ = now;
  show(now);
}

void Progress::show(double now) {
  const double left = (now - start_s_) / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
  const std::string line = fmt::format("{}: {} of {}, about {} left", what_, done_, steps_, duration(left));
  if (terminal_)
    say_text(start_of_line + printable(line));
  else
    say("{}", line);
  std::fflush(stderr);
}

void Progress::end() {
  note(fmt::format("{}: {} of {} in {}", what_, done_, steps_, duration(now_s() - start_s_)));
}

void Progress::note(const std::string& line) {
  if (quiet_) return;
  if (terminal_) say_text(start_of_line);
  say("{}", line);
}

}  // namespace alertbench
