#include "plugins/scheduler_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/console.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/limits.h"
#include "contention/co_runner.h"

namespace alertbench {
namespace {

constexpr size_t longest_answer = 64 * 1024;
constexpr size_t longest_error_line = 4096;
constexpr double moment_s = 2;     // to end by itself
constexpr double look_up_s = 0.5;  // how often a wait looks for an interrupt

double monotonic_s() {
  static SystemClock clock;
  return clock.now_s();
}

}  // namespace

SchedulerProcess::SchedulerProcess(const std::vector<std::string>& command, std::string who, std::string name,
                                   double timeout_s)
    : who_(std::move(who)), name_(std::move(name)), timeout_s_(timeout_s), command_(who_) {
  int ends[2];
  const auto check = [&](int result) {
    if (const int reason = errno; result != 0)
      throw EnvironmentError(
          fmt::format("{}: cannot be connected ({}){}", who_, std::strerror(reason), limit_behind(reason)));
  };
  // Sockets, because writing to one that nobody reads raises no signal.
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  input_ = Descriptor(ends[0]);
  const Descriptor their_input(ends[1]);
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  output_ = Descriptor(ends[0]);
  const Descriptor their_output(ends[1]);
  check(pipe2(ends, O_CLOEXEC));
  errors_ = Descriptor(ends[0]);
  const Descriptor their_errors(ends[1]);
  fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
  command_.start(find_generator(), command, {}, {their_input.get(), their_output.get(), their_errors.get()});
}

SchedulerProcess::~SchedulerProcess() {
  try {
    input_.reset();
    for (const double give_up_s = monotonic_s() + moment_s; monotonic_s() < give_up_s;) {
      pollfd events[] = {{command_.end_descriptor(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
      poll(events, 2, static_cast<int>(1000 * look_up_s));
      pass_on_errors();
      if (!command_.why_ended(0).empty()) break;
    }
    command_.stop();
    pass_on_errors();
  } catch (const std::exception& e) {
    say("{}", e.what());
  }
}

std::string_view SchedulerProcess::ask(std::string_view line) {
  received_.erase(0, answered_);
  answered_ = 0;
  char unasked;
  if (!received_.empty() || recv(output_.get(), &unasked, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
    throw RunError(who_ +
                   ": wrote a line that nobody asked for; it must write one line for each question, "
                   "and everything else to its standard error");
  const double give_up_s = monotonic_s() + timeout_s_;
  send_line(line, give_up_s);
  for (size_t looked_at = 0;;) {
    if (const size_t end = received_.find('\n', looked_at); end != std::string::npos) {
      answered_ = end + 1;
      return std::string_view(received_).substr(0, end);
    }
    looked_at = received_.size();
    if (received_.size() > longest_answer)
      throw RunError(fmt::format("{}: wrote more than {} bytes without a line break", who_, longest_answer));
    wait(Waiting::for_answer, give_up_s);
    char piece[4096];
    const ssize_t got = recv(output_.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (got > 0)
      received_.append(piece, static_cast<size_t>(got));
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
      ended();
  }
}

void SchedulerProcess::tell(std::string_view line) { send_line(line, monotonic_s() + timeout_s_); }

void SchedulerProcess::send_line(std::string_view line, double give_up_s) {
  while (!line.empty()) {
    const ssize_t sent = send(input_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
      line.remove_prefix(static_cast<size_t>(sent));
    else if (errno == EAGAIN)
      wait(Waiting::to_send, give_up_s);
    else if (errno != EINTR)
      ended();
  }
}

void SchedulerProcess::wait(Waiting what, double give_up_s) {
  for (;;) {
    const double left_s = give_up_s - monotonic_s();
    if (left_s <= 0)
      throw RunError(
          fmt::format("{}: {} within {} s; see why it hangs, or raise timeout_s under scheduler_settings",
                      who_, what == Waiting::to_send ? "did not read" : "did not answer", timeout_s_));
    pollfd events[] = {
        what == Waiting::to_send ? pollfd{input_.get(), POLLOUT, 0} : pollfd{output_.get(), POLLIN, 0},
        {command_.end_descriptor(), POLLIN, 0},
        {errors_.get(), POLLIN, 0}};
    const int ready = poll(events, 3, static_cast<int>(1000 * std::min(left_s, look_up_s)) + 1);
    if (ready == 0 && interrupted()) throw RunError("interrupted");
    if (ready <= 0) continue;
    if (events[2].revents) pass_on_errors();
    if (events[0].revents) return;
    if (events[1].revents) ended();
  }
}

void SchedulerProcess::pass_on_errors() {
  char piece[4096];
  const ssize_t got = errors_.get() < 0 ? -1 : read(errors_.get(), piece, sizeof piece);
  if (got == 0) errors_.reset();
  for (ssize_t i = 0; i < got; ++i) {
    if (piece[i] != '\n') error_line_ += piece[i];
    if (piece[i] == '\n' || error_line_.size() == longest_error_line) say_error_line();
  }
  if (got == static_cast<ssize_t>(sizeof piece)) pass_on_errors();
}

void SchedulerProcess::say_error_line() {
  say("{}: {}", name_, error_line_);
  if (error_line_.find_first_not_of(" \t\r") != std::string::npos) last_words_ = error_line_;
  error_line_.clear();
}

void SchedulerProcess::ended() {
  const std::string& why = command_.why_ended(static_cast<int>(1000 * moment_s));
  pass_on_errors();
  if (!error_line_.empty()) say_error_line();
  throw RunError(fmt::format("{}: {}{}", who_, why.empty() ? "closed its standard output" : why,
                             last_words_.empty() ? "" : fmt::format(" (its last words: {})", last_words_)));
}

}  // namespace alertbench
