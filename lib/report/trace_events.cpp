#include "report/trace_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/console.h"
#include "base/error.h"
#include "base/json_lines.h"
#include "trace/trace_reader.h"

namespace alertbench {
namespace {

constexpr size_t piece_bytes = 1 << 16;
constexpr double latest_s = 1e9;  // of times in nanoseconds as whole numbers

using Nanoseconds = int64_t;

Nanoseconds to_ns(double seconds) { return std::llround(std::clamp(seconds, 0.0, latest_s) * 1e9); }

// Appends events, separated by commas, and hands them on when there are enough of them.
class EventWriter {
 public:
  explicit EventWriter(const std::function<void(std::string_view)>& write) : write_(write) {}

  // `arguments`: a JSON object.
  void span(int process, int thread, std::string_view name, const char* category, Nanoseconds begin,
            Nanoseconds end, std::string_view arguments = "") {
    open('X', process, name);
    put(",\"tid\":{},\"cat\":\"{}\",\"ts\":{},\"dur\":{}", thread, category, microseconds(begin),
        microseconds(end - begin));
    close(arguments);
  }
  void counter(int process, std::string_view name, Nanoseconds at, const std::optional<double>& value) {
    if (!value || !std::isfinite(*value)) return;
    open('C', process, name);
    put(",\"ts\":{}", microseconds(at));
    close(fmt::format("{{\"value\":{}}}", *value));
  }
  void name(int process, std::optional<int> thread, std::string_view name) {
    open('M', process, thread ? "thread_name" : "process_name");
    if (thread) put(",\"tid\":{}", *thread);
    LineBuffer quoted;
    append_string(quoted, name);
    close(fmt::format("{{\"name\":{}}}", std::string_view(quoted.data(), quoted.size())));
  }
  void text(std::string_view text) { lines_.append(text.data(), text.data() + text.size()); }
  void flush() {
    write_({lines_.data(), lines_.size()});
    lines_.clear();
  }

 private:
  template <class... Arguments>
  void put(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(fmt::appender(lines_), format, std::forward<Arguments>(arguments)...);
  }
  static std::string microseconds(Nanoseconds ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }
  void open(char phase, int process, std::string_view name) {
    put("{}{{\"ph\":\"{}\",\"name\":", first_ ? "" : ",\n", phase);
    first_ = false;
    append_string(lines_, name);
    put(",\"pid\":{}", process);
  }
  void close(std::string_view arguments) {
    if (!arguments.empty()) put(",\"args\":{}", arguments);
    text("}");
    if (lines_.size() >= piece_bytes) flush();
  }

  const std::function<void(std::string_view)>& write_;
  LineBuffer lines_;
  bool first_ = true;
};

std::string arguments_of(const TraceInput& input) {
  LineBuffer out;
  fmt::format_to(fmt::appender(out), "{{\"input\":{},\"input_id\":", input.input);
  append_string(out, input.input_id);
  fmt::format_to(fmt::appender(out), ",\"warmup\":{},\"stage_delivered\":{},\"late\":{}", input.warmup,
                 input.outcome.stage_delivered, input.violations.deadline);
  for (const auto& [key, value] : {std::pair{"deadline_s", input.deadline_from_arrival_s},
                                   {"latency_s", input.outcome.latency_s},
                                   {"wait_s", input.outcome.wait_s},
                                   {"accuracy", input.outcome.accuracy}}) {
    fmt::format_to(fmt::appender(out), ",\"{}\":", key);
    append_number(out, value);
  }
  out.push_back('}');
  return {out.data(), out.size()};
}

// The events of one trace. Its process and threads have numbers that no other trace has.
class TraceTrack {
 public:
  TraceTrack(EventWriter& events, int number)
      : events_(events), process_(3 * number + 1), execution_(process_ + 1), co_runner_(process_ + 2) {}

  void add(const TraceHeader& header, const TraceInput& input) {
    const Outcome& o = input.outcome;
    const Nanoseconds start = std::max(end_, to_ns(input.arrival_s + o.wait_s));
    if (begun_) {
      if (start > end_) events_.span(process_, execution_, "idle", "idle", end_, start);
    } else {
      name_tracks(header);
    }
    begun_ = true;
    end_ = std::max(start, to_ns(input.arrival_s + end_from_arrival_s(input)));
    events_.span(process_, execution_,
                 fmt::format("{}@{} {:g} W", input.model, input.configuration.stage, input.cap_w), "input",
                 start, end_, arguments_of(input));
    add_stages(input, start);
    add_co_runner(header, input, start);
    events_.counter(process_, "power cap, W", start, input.cap_w);
    events_.counter(process_, "energy of the period, J", start, o.energy_j);
    if (input.slowdown) events_.counter(process_, "slow-down factor", end_, input.slowdown->mean);
  }

  void finish() {
    if (phase_) events_.span(process_, co_runner_, *phase_, "co-runner", phase_begin_, end_);
  }

 private:
  // When the execution was over. One that was stopped in a stage ended after its last finished one.
  static double end_from_arrival_s(const TraceInput& input) {
    const Outcome& o = input.outcome;
    if (o.stages_finished == 0) return o.latency_s;
    const double last_s = o.stage_end_s[static_cast<size_t>(o.stages_finished - 1)];
    return o.stopped ? std::max(last_s, input.deadline_from_arrival_s + o.overshoot_s) : last_s;
  }

  void name_tracks(const TraceHeader& header) {
    events_.name(process_, {}, fmt::format("{}, {}, {}", header.scheduler, header.goals.name, header.mode));
    events_.name(process_, execution_, "execution");
    if (header.co_runner) events_.name(process_, co_runner_, "co-runner");
  }

  void add_stages(const TraceInput& input, Nanoseconds start) {
    const Outcome& o = input.outcome;
    const auto within = [&](Nanoseconds t) { return std::clamp(t, start, end_); };
    const Nanoseconds begin = within(end_ - to_ns(o.busy_s));
    if (input.decide_s)
      events_.span(process_, execution_, "decide", "decide", start,
                   std::min(start + to_ns(*input.decide_s), begin));
    Nanoseconds at = begin;
    for (int stage = 0; stage < o.stages_finished; ++stage) {
      const Nanoseconds next =
          std::max(at, within(to_ns(input.arrival_s + o.stage_end_s[static_cast<size_t>(stage)])));
      events_.span(process_, execution_, fmt::format("stage {}", stage + 1), "stage", at, next);
      at = next;
    }
    if (o.stopped && end_ > at) events_.span(process_, execution_, "stopped", "stage", at, end_);
  }

  void add_co_runner(const TraceHeader& header, const TraceInput& input, Nanoseconds start) {
    if (!header.co_runner) return;
    const std::string now = input.co_runner.value_or("off");
    if (phase_ == now) return;
    if (phase_) events_.span(process_, co_runner_, *phase_, "co-runner", phase_begin_, start);
    phase_ = now;
    phase_begin_ = start;
  }

  EventWriter& events_;
  const int process_, execution_, co_runner_;
  bool begun_ = false;
  Nanoseconds end_ = 0;               // of the last input
  std::optional<std::string> phase_;  // of the co-runner
  Nanoseconds phase_begin_ = 0;
};

}  // namespace

std::vector<std::string> traces_of(const std::string& result) {
  namespace fs = std::filesystem;
  const auto is_trace = [](const fs::path& path) { return path.extension() == ".jsonl"; };
  std::error_code ignored;
  if (fs::is_regular_file(result, ignored) && is_trace(result)) return {result};
  std::vector<std::string> found;
  for (fs::directory_iterator at(fs::path(result) / "traces", ignored), end; at != end; at.increment(ignored))
    if (is_trace(at->path()) && fs::file_size(at->path(), ignored) > 0) found.push_back(at->path().string());
  if (found.empty())
    throw InputError(fmt::format(
        "{}: has no traces; name the folder that `run` or `replay` wrote (a grid writes traces with --trace "
        "SETTING), or a single trace",
        result));
  std::sort(found.begin(), found.end());
  return found;
}

void write_trace_events(const std::vector<std::string>& traces,
                        const std::function<void(std::string_view)>& write) {
  EventWriter events(write);
  events.text("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
  int number = 0;
  for (const std::string& path : traces) {
    TraceTrack track(events, number++);
    const TraceFile trace = read_trace(
        path, [&](const TraceFile& so_far, const TraceInput& input) { track.add(so_far.header, input); });
    track.finish();
    if (trace.status != "complete") say("note: {}: is partial ({})", path, trace.reason);
  }
  events.text("\n]}\n");
  events.flush();
}

}  // namespace alertbench
