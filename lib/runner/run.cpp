#include "runner/run.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/console.h"
#include "base/interrupt.h"
#include "base/json_lines.h"
#include "base/json_reader.h"
#include "evaluation/cell.h"
#include "host/machine_use.h"
#include "live/live_environment.h"
#include "live/live_pace.h"
#include "live/live_session.h"
#include "live/profiler.h"
#include "live/recorder.h"
#include "metrics/summary.h"
#include "recording/phase_slowdown.h"
#include "recording/recording.h"
#include "recording/replay_environment.h"
#include "report/evaluation_report.h"
#include "report/summary_report.h"
#include "result/manifest.h"
#include "runner/preflight.h"
#include "runner/result_folder.h"
#include "runner/scheduler_run.h"
#include "trace/trace_writer.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

// One scheduler under one goal setting, in one mode.
struct Entry {
  std::string scheduler;
  Goals goals;
  std::unique_ptr<Environment> environment;
  std::unique_ptr<TraceWriter> trace;  // none where no traces are kept
  std::unique_ptr<SummaryAccumulator> accumulator;
  std::unique_ptr<SchedulerRun> run;
};

struct Evaluation {
  const Scenario& scenario;
  const Recording& recording;
  std::vector<Goals> goals;
  std::string accuracy_source, energy_source;
  std::string traces_folder;  // empty: keep none

  // Entries of one mode, setting by setting, schedulers in the scenario's order.
  std::vector<Entry> entries(
      const std::string& mode, Clock* clock,
      const std::function<std::unique_ptr<Environment>(const Goals&)>& environment) const {
    std::vector<Entry> all;
    for (const Goals& g : goals)
      for (const std::string& name : scenario.schedulers) {
        Entry e;
        e.scheduler = name;
        e.goals = g;
        e.environment = environment(g);
        if (!traces_folder.empty()) {
          TraceHeader header;
          header.tool_version = tool_version();
          header.scheduler = name;
          header.scenario = scenario.name;
          header.goals = g;
          header.energy_source = energy_source;
          header.accuracy_source = accuracy_source;
          header.mode = mode;
          if (scenario.co_runner.kind != "none") header.co_runner = scenario.co_runner.kind;
          e.trace = std::make_unique<TraceWriter>(
              fmt::format("{}/{}.{}.{}.jsonl", traces_folder, name, g.name, mode), header, recording.profile);
        }
        e.accumulator = std::make_unique<SummaryAccumulator>(name, g, mode, recording.profile);
        SchedulerInputs inputs{recording.profile, g, knows_truth(name) ? &recording.truth : nullptr,
                               scenario.arrivals};
        inputs.first_judged = first_judged(recording.truth, scenario.warmup_inputs);
        auto scheduler =
            make_scheduler(name, inputs, scenario.scheduler_settings.value(name, nlohmann::json::object()),
                           scenario.path + ": scheduler_settings: " + name);
        e.run = std::make_unique<SchedulerRun>(
            std::move(scheduler), *e.environment, g, clock,
            [trace = e.trace.get(), accumulator = e.accumulator.get()](const InputRecord& r) {
              if (trace) trace->write(r);
              accumulator->add(r);
            });
        all.push_back(std::move(e));
      }
    return all;
  }

  void step(Entry& e, int64_t input) const {
    e.run->step(input, input < first_judged(recording.truth, scenario.warmup_inputs),
                opens_group(recording.truth, input), recording.input_ids[static_cast<size_t>(input)]);
  }

  std::vector<Summary> summaries(const std::vector<Entry>& entries) const {
    BootstrapSettings bootstrap;
    bootstrap.seed = scenario.seeds.bootstrap;
    std::vector<Summary> all;
    for (const Entry& e : entries) {
      const SummaryAccumulator* reference = nullptr;
      for (const Entry& r : entries)
        if (r.scheduler == "oracle-static" && r.goals.name == e.goals.name) reference = r.accumulator.get();
      all.push_back(e.accumulator->summary(bootstrap));
      all.back().bound = e.run->bound();
      e.accumulator->normalise(all.back(), reference, bootstrap);
    }
    return all;
  }
};

// `reason`: why it is partial; empty: it is complete.
void finish_trace(Entry& e, const std::string& reason) {
  if (!e.trace) return;
  const GoalVerdict verdict = e.run->verdict();
  e.trace->finish(reason.empty() ? "complete" : "partial", reason,
                  verdict.inputs > 0 ? std::optional(verdict) : std::nullopt);
}

// Schedulers take turns of a few inputs, in an order that turns by one place a round: drift of the machine
// hits all alike. Ends early where interrupted.
void run_live(Evaluation& evaluation, std::vector<Entry>& entries, LiveSession& session, int64_t inputs) {
  const int64_t round = evaluation.scenario.round_inputs;
  session.co_runner.begin_part("live");
  session.progress.begin("Running live", inputs * static_cast<int64_t>(entries.size()));
  for (int64_t start = 0; start < inputs; start += round)
    for (size_t k = 0; k < entries.size(); ++k) {
      Entry& e = entries[(k + static_cast<size_t>(start / round)) % entries.size()];
      static_cast<LiveEnvironment&>(*e.environment).begin_turn();
      for (int64_t input = start; input < std::min(inputs, start + round); ++input) {
        if (interrupted()) return session.progress.end();
        evaluation.step(e, input);
        session.progress.step();
      }
    }
  session.progress.end();
}

std::vector<Entry> run_replay(const Evaluation& evaluation, int64_t inputs) {
  std::vector<Entry> entries = evaluation.entries("replay", nullptr, [&](const Goals& g) {
    return std::make_unique<ReplayEnvironment>(evaluation.recording, evaluation.scenario.arrivals,
                                               g.deadline_s);
  });
  const bool whole = inputs == evaluation.scenario.inputs;
  for (Entry& e : entries) {
    for (int64_t input = 0; input < inputs; ++input) evaluation.step(e, input);
    finish_trace(e, whole ? "" : "recording is partial");
  }
  return entries;
}

std::string goal_text(const Goals& g) {
  const char* reading = g.judge == Judge::mean ? " on average" : "";
  if (g.task == Task::min_energy)
    return fmt::format("least energy with accuracy >= {:.2f} %{} and latency <= {:.2f} ms", 100 * *g.accuracy,
                       reading, 1e3 * g.deadline_s);
  return fmt::format("least error with energy <= {:.3f} J{} and latency <= {:.2f} ms", *g.energy_j, reading,
                     1e3 * g.deadline_s);
}

ordered_json ratio_of(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b && *b > 0 ? ordered_json(*a / *b) : ordered_json(nullptr);
}

ordered_json summary_json(const Evaluation& evaluation, const std::vector<Summary>& live,
                          const std::vector<Summary>& replay) {
  ordered_json j = {{"schema_version", summary_schema_version},
                    {"scenario", evaluation.scenario.name},
                    {"workload", evaluation.scenario.workload},
                    {"energy_source", evaluation.energy_source},
                    {"accuracy_source", evaluation.accuracy_source},
                    {"accuracy_unit", to_string(evaluation.recording.profile.accuracy_unit)},
                    {"goals", ordered_json::array()},
                    {"results", ordered_json::array()},
                    {"live_against_replay", ordered_json::array()}};
  for (const Goals& g : evaluation.goals)
    j["goals"].push_back({{"name", g.name},
                          {"task", to_string(g.task)},
                          {"deadline_s", g.deadline_s},
                          {"accuracy", g.accuracy ? ordered_json(*g.accuracy) : ordered_json(nullptr)},
                          {"energy_j", g.energy_j ? ordered_json(*g.energy_j) : ordered_json(nullptr)},
                          {"text", goal_text(g)}});
  for (const auto* side : {&live, &replay})
    for (const Summary& s : *side) j["results"].push_back(s.to_json());
  for (size_t i = 0; i < live.size() && i < replay.size(); ++i) {
    const Summary &l = live[i], &r = replay[i];
    j["live_against_replay"].push_back(
        {{"scheduler", l.scheduler},
         {"setting", l.setting},
         {"median_latency_ratio", ratio_of(l.latency_s.median, r.latency_s.median)},
         {"energy_ratio", ratio_of(l.mean_energy_j, r.mean_energy_j)},
         {"error_ratio", ratio_of(l.mean_error, r.mean_error)},
         {"late_share_difference", l.late_share && r.late_share ? ordered_json(*l.late_share - *r.late_share)
                                                                : ordered_json(nullptr)}});
  }
  return j;
}

void print_summary(const ordered_json& summary, const RunOptions& options) {
  if (options.json)
    print_out("{}\n", summary.dump(2));
  else
    print_out("{}", to_text(summary_report(nlohmann::json::parse(summary.dump()), "summary")));
  flush_output();
}

void refuse_warnings(const std::vector<std::string>& warnings, bool strict) {
  if (strict && !warnings.empty())
    throw EnvironmentError(fmt::format("--strict: {}", fmt::join(warnings, "; ")));
}

// What disturbs this machine while nothing is measured yet.
std::vector<std::string> noise_before(Clock& clock) {
  constexpr double look_s = 0.5;
  const MachineUse before = read_machine_use();
  clock.sleep_until(clock.now_s() + look_s);
  std::vector<std::string> all = noise_warnings(read_host());
  for (std::string& w : noise_warnings(between(before, read_machine_use()))) all.push_back(std::move(w));
  return all;
}

void add_inputs(Manifest& manifest, const Scenario& scenario) {
  for (const std::string& file : scenario.files)
    if (fs::exists(file)) manifest.add_file(file);
  manifest.add_file(scenario.networks);
  if (const std::string& ranges = scenario.co_runner.schedule.read_from;
      !ranges.empty() && fs::exists(ranges))
    manifest.add_file(ranges);
  for (const NetworkSpec& n : candidates_of(scenario))
    if (!n.random_weights()) manifest.add_file(n.weights);
}

// Profile and recording of a live command, taken or made.
class Measurements {
 public:
  Measurements(LiveSession& session, ResultFolder& result, const RunOptions& options,
               std::optional<Recording> so_far = {})
      : session_(session), result_(result), options_(options), so_far_(std::move(so_far)) {
    if (!so_far_) return;
    for (int64_t n = 0; n < so_far_->truth.inputs; ++n)
      if (const std::string& id = so_far_->input_ids[static_cast<size_t>(n)];
          id != session_.bench->input_id(n))
        throw InputError(
            fmt::format("--resume: input {} of the recording is \"{}\", the scenario's is \"{}\"; use the "
                        "data that it was begun with",
                        n, id, session_.bench->input_id(n)));
  }

  // A profile that was measured before, here or elsewhere.
  void check(const Profile& p, const std::string& path) {
    session_.check_profile(p, path);
    const std::string here = session_.hardware();
    if (const std::string& pace = session_.scenario.record_pace; p.pace != pace)
      warn(
          fmt::format("{}: measured at pace \"{}\", this scenario's record.pace is \"{}\": networks of few "
                      "milliseconds take another "
                      "time behind idle time; measure it anew, or take --set record.pace={}",
                      path, p.pace, pace, p.pace));
    if (p.host != here)
      warn(fmt::format("{}: measured on \"{}\", this machine is \"{}\"", path, p.host, here));
  }

  void check_caps(const Profile& p) {
    for (const std::string& w : session_.check_caps(p)) warn(w);
  }

  // `known`: that of a recording that is gone on with.
  Profile profile(const std::optional<Profile>& known = {}) {
    Profile p;
    if (known) {
      p = *known;
      check(p, "the recording's profile");
    } else if (options_.profile.empty()) {
      p = session_.measure_profile();
      if (p.noise_verdict.rfind("noisy", 0) == 0) warn("profile: " + p.noise_verdict);
    } else {
      p = Profile::read(options_.profile);
      check(p, options_.profile);
      result_.manifest.add_file(options_.profile);
    }
    write_file_atomically(result_.path() + "/profile.json", p.to_json().dump(1) + "\n");
    check_caps(p);
    return p;
  }

  Recording recording(const Profile& profile) {
    const Scenario& s = session_.scenario;
    const std::string folder = result_.path() + "/recording";
    const LivePace pace(*session_.bench, s, profile);
    result_.check_place();
    const ordered_json info = {
        {"scenario", s.to_json()},
        {"scenario_path", s.path},
        {"host", to_json(read_host())},
        {"energy_source", profile.energy_source},
        {"accuracy_source", session_.accuracy_measured() ? "measured" : "profile"},
        {"pace", s.record_pace},
        {"pace_deadline_s", pace.deadline_s() ? ordered_json(*pace.deadline_s()) : ordered_json()},
        {"session", session_.facts()}};
    std::unique_ptr<RecordingWriter> writer;
    if (so_far_) {
      const int64_t done = so_far_->truth.inputs;
      so_far_->info["resumed"].push_back(
          {{"at_input", done}, {"at", utc_now()}, {"host", to_json(read_host())}});
      session_.progress.note(
          fmt::format("Going on at input {} of {}, with the profile of before", done, s.inputs));
      writer = std::make_unique<RecordingWriter>(folder, std::move(*so_far_));
    } else {
      writer = std::make_unique<RecordingWriter>(folder, profile, info, s.inputs);
    }
    record_truth(*session_.bench, profile, pace, *session_.power.caps, session_.co_runner, session_.clock,
                 session_.progress, *writer);
    writer->info()["co_runner"] = session_.co_runner.facts();
    result_.check_place();
    const Recording& done = writer->finish();
    ordered_json slowdowns = slowdown_facts(done.truth, profile);
    if (s.co_runner.kind != "none" && !slowdowns["median_ratio_over_networks"].is_null())
      session_.progress.note(
          fmt::format("Slow-down that came out in the recording: {:.2f} at the median, {:.2f} on average",
                      slowdowns["median_ratio_over_networks"].get<double>(),
                      slowdowns["mean_ratio_over_networks"].get<double>()));
    Recording copy = done;
    copy.info["slowdowns"] = slowdowns;
    copy.save(folder);
    return copy;
  }

 private:
  void warn(const std::string& warning) {
    result_.manifest.warnings.push_back(warning);
    session_.progress.note("warning: " + warning);
    refuse_warnings({warning}, options_.strict);
  }

  LiveSession& session_;
  ResultFolder& result_;
  const RunOptions& options_;
  std::optional<Recording> so_far_;  // to go on with
};

// What is to be gone on with; nothing where no input was recorded yet. InputError where it is of another
// scenario.
std::optional<Recording> recording_so_far(const Scenario& scenario, const std::string& folder) {
  if (!fs::exists(folder + "/recording.json")) return {};
  Recording so_far = Recording::load(folder);
  // As plain JSON: the order of keys means nothing.
  const auto plain = [](const ordered_json& j) { return nlohmann::json::parse(json_text(j)); };
  const nlohmann::json now = plain(scenario.to_json());
  if (const nlohmann::json then = plain(so_far.info.value("scenario", ordered_json::object())); then != now) {
    std::vector<std::string> differ;
    for (const auto& [key, value] : now.items())
      if (!then.contains(key) || then[key] != value) differ.push_back(key);
    throw InputError(
        fmt::format("--resume: {}: was begun with another scenario (differs in: {}); give the same one, or "
                    "record into another --out",
                    folder, fmt::join(differ, ", ")));
  }
  if (so_far.truth.inputs == 0) return {};
  return so_far;
}

bool complete(const std::string& folder) {
  const std::string manifest = folder + "/manifest.json";
  if (!fs::exists(manifest)) return false;
  const nlohmann::json j = read_json_file(manifest);
  return j.is_object() && j.value("status", nlohmann::json()) == "complete";
}

// Traces of an interrupted run go to FOLDER/interrupted-N with their manifest: its live part begins anew,
// because schedulers that went on would not know what they had learnt.
void keep_interrupted(const std::string& folder) {
  if (!fs::exists(folder + "/manifest.json")) return;
  int n = 1;
  while (fs::exists(fmt::format("{}/interrupted-{}", folder, n))) ++n;
  const std::string kept = fmt::format("{}/interrupted-{}", folder, n);
  fs::create_directories(kept);
  if (fs::exists(folder + "/traces")) fs::rename(folder + "/traces", kept + "/traces");
  fs::copy_file(folder + "/manifest.json", kept + "/manifest.json");
}

void open_result(ResultFolder& result, LiveSession& session, const Preflight& preflight,
                 const RunOptions& options) {
  Manifest& m = result.manifest;
  add_inputs(m, session.scenario);
  m.libraries = session.facts();
  m.warnings = session.warnings();
  for (std::string& w : noise_before(session.clock)) m.warnings.push_back(std::move(w));
  m.accuracy_source = session.accuracy_measured() ? "measured" : "profile";
  m.energy_source = session.power.energy_source();
  result.write();
  for (const auto* notes : {&preflight.notes, &session.placement.notes})
    for (const std::string& n : *notes) session.progress.note("note: " + n);
  if (!preflight.notes.empty()) m.libraries["schedulers_left_out"] = preflight.notes;
  for (const std::string& w : m.warnings) session.progress.note("warning: " + w);
  refuse_warnings(m.warnings, options.strict);
}

// Why the result does not count. Notes in the manifest what happened on the machine since `before`.
std::vector<std::string> problems_of(const LiveSession& session, const MachineUse& before, Manifest& manifest,
                                     bool strict) {
  std::vector<std::string> all = session.problems();
  const Disturbance disturbance = between(before, read_machine_use());
  manifest.libraries["disturbance"] = to_json(disturbance);
  for (const std::string& w : noise_warnings(disturbance))
    (strict ? all : manifest.warnings).push_back((strict ? "--strict: " : "") + w);
  if (const int times = times_continued(); times > 0)
    all.push_back(
        fmt::format("the run was stopped and continued (SIGCONT came {} times): inputs under way at that "
                    "time took as long as that",
                    times));
  if (disturbance.suspended_s > 0)
    all.push_back(fmt::format("the machine was suspended for {:.1f} s meanwhile", disturbance.suspended_s));
  return all;
}

std::vector<std::string> setting_names(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const GoalSpec& g : scenario.goals) names.push_back(g.name);
  return names;
}

std::vector<Goals> resolve_goals(const Scenario& scenario, const Profile& profile) {
  std::vector<Goals> goals;
  for (const GoalSpec& g : scenario.goals) goals.push_back(g.resolve(profile));
  return goals;
}

// The verdict on a recording that is whole, of a run that was killed before it could give one.
ExitCode conclude_recording(const Scenario& scenario, const RunOptions& options, const Recording& recording,
                            FolderLock lock) {
  ResultFolder result(scenario.to_json(), options, {}, std::move(lock));
  return guarded(result, [&] {
    add_inputs(result.manifest, scenario);
    result.manifest.accuracy_source = recording.info.value("accuracy_source", "profile");
    result.manifest.energy_source = recording.profile.energy_source;
    result.manifest.warnings.push_back(
        "the run was cut off behind its recording: what it would have told at its end (co-runner, noise, "
        "caps) is not "
        "known; what it told at its beginning is in interrupted-N/manifest.json");
    return conclude(result, {}, options.quiet);
  });
}

}  // namespace

ExitCode run_scenario(const Scenario& asked, const RunOptions& options) {
  const Preflight preflight = check_before(asked);  // bad input is told before anything is written
  const Scenario& scenario = preflight.scenario;
  check_permissions(scenario, options.allow_commands);
  check_file_limit(scenario);
  std::optional<Recording> so_far;
  std::string recording_path = options.recording;
  FolderLock lock(options.out);
  if (options.resume) {
    if (complete(options.out)) {
      if (!options.quiet) say("--resume: {}: is complete; there is nothing to go on with", options.out);
      return ExitCode::done;
    }
    if (recording_path.empty()) so_far = recording_so_far(scenario, options.out + "/recording");
    if (so_far && so_far->complete()) {
      recording_path = options.out + "/recording";
      so_far.reset();
    }
    keep_interrupted(options.out);
  }
  ResultFolder result(scenario.to_json(), options,
                      trace_names(scenario.schedulers, setting_names(scenario), {"live", "replay"}),
                      std::move(lock));
  return guarded(result, [&] {
    LiveSession session(scenario, options.allow_commands, options.quiet);
    open_result(result, session, preflight, options);
    const MachineUse use_before = read_machine_use();
    const std::optional<Profile> profile_so_far = so_far ? std::optional(so_far->profile) : std::nullopt;
    Measurements measurements(session, result, options, std::move(so_far));

    Recording recording;
    if (recording_path.empty()) {
      const Profile profile = measurements.profile(profile_so_far);
      session.co_runner.calibrate(*session.bench, session.clock, session.progress);
      recording = measurements.recording(profile);
    } else {
      recording = Recording::load(recording_path);
      measurements.check(recording.profile, recording_path);
      if (recording.truth.inputs < scenario.inputs)
        throw InputError(fmt::format("{}: holds {} inputs, the scenario has {}; use --inputs {}",
                                     recording_path, recording.truth.inputs, scenario.inputs,
                                     recording.truth.inputs));
      for (int64_t n = 0; n < scenario.inputs; ++n)
        if (const std::string& id = recording.input_ids[static_cast<size_t>(n)];
            id != session.bench->input_id(n))
          throw InputError(
              fmt::format("{}: input {} is \"{}\", the scenario's is \"{}\"; use the data and --seed that it "
                          "was recorded with",
                          recording_path, n, id, session.bench->input_id(n)));
      measurements.check_caps(recording.profile);
      session.co_runner.calibrate(*session.bench, session.clock, session.progress);
      write_file_atomically(result.path() + "/profile.json", recording.profile.to_json().dump(1) + "\n");
    }

    Evaluation evaluation{scenario,
                          recording,
                          resolve_goals(scenario, recording.profile),
                          result.manifest.accuracy_source,
                          recording.profile.energy_source,
                          result.path() + "/traces"};
    const auto meter = session.power.make_meter(recording.profile);
    const int64_t inputs = std::min<int64_t>(scenario.inputs, recording.truth.inputs);
    std::vector<Entry> live;
    result.check_place();
    if (!interrupted()) {
      live = evaluation.entries("live", &session.clock, [&](const Goals& g) {
        return std::make_unique<LiveEnvironment>(
            LiveEnvironment::Parts{recording.profile, *session.bench, *session.power.caps, *meter,
                                   session.co_runner, session.clock},
            g, scenario.arrivals);
      });
      run_live(evaluation, live, session, inputs);
      for (Entry& e : live) finish_trace(e, interrupted() ? "interrupted" : "");
    }
    session.co_runner.stop();
    const std::vector<std::string> reasons =
        problems_of(session, use_before, result.manifest, options.strict);
    result.manifest.libraries["co_runner"] = session.co_runner.facts();
    result.manifest.libraries["power"] = session.power_facts();
    const ordered_json metered = meter->facts();
    result.manifest.libraries["power"]["meter"] = metered;
    if (const int64_t brief = metered.value("shorter_than_five_refreshes", int64_t{0}); brief > 0)
      result.manifest.warnings.push_back(fmt::format(
          "energy: {} of {} executions were shorter than five refreshes of the counter: theirs "
          "is the power that the profile's long windows show for network and cap, over their time",
          brief, metered.value("windows", int64_t{0})));
    session.power.caps->restore();
    result.check_place();
    const std::vector<Entry> replay = run_replay(evaluation, inputs);
    const ordered_json summary =
        summary_json(evaluation, evaluation.summaries(live), evaluation.summaries(replay));
    write_file_atomically(result.path() + "/summary.json", summary.dump(1) + "\n");
    print_summary(summary, options);
    return conclude(result, reasons, options.quiet);
  });
}

ExitCode record_scenario(const Scenario& asked, const RunOptions& options) {
  const Preflight preflight = check_before(asked);
  const Scenario& scenario = preflight.scenario;
  check_permissions(scenario, options.allow_commands);
  std::optional<Recording> so_far;
  FolderLock lock(options.out);
  if (options.resume) {
    so_far = recording_so_far(scenario, options.out + "/recording");
    if (so_far && so_far->complete()) {
      if (!options.quiet)
        say("--resume: {}/recording: is complete, all {} inputs; there is nothing to go on with", options.out,
            so_far->truth.inputs);
      if (complete(options.out)) return ExitCode::done;
      keep_interrupted(options.out);  // killed between the recording's end and its verdict
      return conclude_recording(scenario, options, *so_far, std::move(lock));
    }
  }
  ResultFolder result(scenario.to_json(), options, {}, std::move(lock));
  return guarded(result, [&] {
    LiveSession session(scenario, options.allow_commands, options.quiet);
    open_result(result, session, preflight, options);
    const MachineUse use_before = read_machine_use();
    const std::optional<Profile> profile_so_far = so_far ? std::optional(so_far->profile) : std::nullopt;
    Measurements measurements(session, result, options, std::move(so_far));
    const Profile profile = measurements.profile(profile_so_far);
    session.co_runner.calibrate(*session.bench, session.clock, session.progress);
    measurements.recording(profile);
    session.co_runner.stop();
    result.manifest.libraries["co_runner"] = session.co_runner.facts();
    result.manifest.libraries["power"] = session.power_facts();
    const std::vector<std::string> reasons =
        problems_of(session, use_before, result.manifest, options.strict);
    return conclude(result, reasons, options.quiet);
  });
}

namespace {

// `accuracy`: where it was measured, more than the profile's figure is known.
void print_profile(const Profile& profile, const MeasuredAccuracy* accuracy) {
  const bool words = profile.accuracy_unit == AccuracyUnit::language_quality;
  const char* more = !accuracy ? "" : words ? "  perpl.   next % " : " top-5 % ";
  const char* unit = words ? "qual. %" : profile.accuracy_unit == AccuracyUnit::f1 ? "F1 %" : "top-1 %";
  print_out("{:<22} {:>5} {:>8} {}{:>9} {:>9} {:>9} {:>6}  mean ms under {} W\n", "network", "stage", unit,
            more, "mean ms", "p95 ms", "p99 ms", "CV", fmt::join(profile.caps_w, ", "));
  size_t row = 0;
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m)
    for (int stage = 1; stage <= profile.models[static_cast<size_t>(m)].stages(); ++stage, ++row) {
      const ModelProfile& model = profile.models[static_cast<size_t>(m)];
      const LatencyStats& top = profile.latency_of({m, stage, profile.caps() - 1});
      std::vector<std::string> capped;
      for (int cap = 0; cap < profile.caps(); ++cap)
        capped.push_back(fmt::format("{:.2f}", 1e3 * profile.latency_of({m, stage, cap}).mean_s));
      print_out("{:<22} {:>5} {:>8.2f} {}{:>9.2f} {:>9.2f} {:>9.2f} {:>6.3f}  {}\n", model.name, stage,
                100 * model.accuracy[static_cast<size_t>(stage - 1)],
                !accuracy ? ""
                : words
                    ? fmt::format("{:>8.2f} {:>8.2f} ", accuracy->perplexity[row], 100 * accuracy->top1[row])
                    : fmt::format("{:>8.2f} ", 100 * accuracy->top5[row]),
                1e3 * top.mean_s, 1e3 * top.p95_s, 1e3 * top.p99_s, top.cv, fmt::join(capped, ", "));
    }
  if (words)
    print_out("qual. %: language quality, 1 - NLL / NLL of guessing{}\n",
              accuracy ? "; next %: next words told right" : "");
  if (accuracy) print_out("accuracy measured on {} inputs\n", accuracy->inputs);
  for (const ModelProfile& model : profile.models) {
    if (model.cap_speeds.empty()) continue;
    if (&model == &profile.models.front())
      print_out("\n{:<22} speed under each emulated cap: achieved (asked)\n", "network");
    std::vector<std::string> speeds;
    for (const CapSpeed& s : model.cap_speeds)
      speeds.push_back(fmt::format("{:.3f} ({:.3f})", s.achieved, s.requested));
    print_out("{:<22} {}\n", model.name, fmt::join(speeds, "  "));
  }
  for (const ModelProfile& model : profile.models) {
    if (model.device_times.empty()) continue;
    if (&model == &profile.models.front())
      print_out("\n{:<22} of which the GPU by its own clock: median ms (share) under each cap\n", "network");
    std::vector<std::string> times;
    for (const DeviceTime& t : model.device_times)
      times.push_back(fmt::format("{:.2f} ({:.0f} %)", 1e3 * t.median_s, 100 * t.share));
    print_out("{:<22} {}\n", model.name, fmt::join(times, "  "));
  }
  print_out("{}\n", profile.noise_verdict);
}

}  // namespace

ExitCode profile_scenario(const Scenario& scenario, const RunOptions& options) {
  if (fs::exists(options.out) && !options.overwrite)
    throw InputError(options.out + ": is there already; choose another --out, or add --overwrite");
  const std::string out = output_path(options.out);
  Scenario alone = scenario;
  alone.co_runner.kind = "none";
  LiveSession session(alone, options.allow_commands, options.quiet);
  std::vector<std::string> warnings = session.warnings();
  for (std::string& w : noise_before(session.clock)) warnings.push_back(std::move(w));
  // Also where all else is to be quiet: a profile has no manifest that keeps them.
  for (const std::string& w : warnings) say("warning: {}", w);
  refuse_warnings(warnings, options.strict);
  // First, because it refuses what cannot be judged.
  std::optional<MeasuredAccuracy> accuracy;
  if (options.accuracy) accuracy = measure_accuracy(*session.bench, session.clock, session.progress);
  Profile profile = session.measure_profile();
  std::vector<std::string> doubts = session.check_caps(profile);
  for (const std::string& p : session.problems()) doubts.push_back(p);
  for (const std::string& d : doubts) say("warning: {}", d);
  refuse_warnings(doubts, options.strict);
  if (accuracy) take_accuracy(profile, *accuracy, session.workload->data_source());
  if (const fs::path parent = fs::path(out).parent_path(); !parent.empty()) fs::create_directories(parent);
  write_file_atomically(out, profile.to_json().dump(1) + "\n");
  if (options.json)
    print_out("{}\n", profile.to_json().dump(2));
  else
    print_profile(profile, accuracy ? &*accuracy : nullptr);
  if (profile.noise_verdict.rfind("noisy", 0) == 0) refuse_warnings({profile.noise_verdict}, options.strict);
  if (!options.quiet) say("Profile: {}", options.out);
  return ExitCode::done;
}

namespace {

std::string description_path(const std::string& recording) {
  return fs::is_directory(recording) ? recording + "/recording.json" : recording;
}

Scenario scenario_to_replay(const Recording& recording, const ReplayRequest& request, bool quiet) {
  bool named = !request.schedulers.empty();
  for (const std::string& o : request.overrides) named = named || o.rfind("schedulers=", 0) == 0;
  const Preflight preflight =
      check_before_replay(scenario_of(recording, request.recording, request.overrides, request.schedulers),
                          recording.profile, named);
  for (const std::string& n : preflight.notes)
    if (!quiet) say("note: {}", n);
  return preflight.scenario;
}

// Traces of the settings asked for, from the same decisions once more.
void write_grid_traces(const ReplayRequest& request, const Recording& recording, Scenario scenario,
                       const EvaluationResult& evaluation, const std::string& folder) {
  const Scenario judged_as = scenario;
  scenario.goals.clear();
  std::vector<std::string> names;
  for (const Task task : {Task::min_energy, Task::min_error})
    for (const GoalSpec& g :
         goal_grid(recording.profile, task, request.grid_spec, request.grid_spec.judging(judged_as))) {
      names.push_back(g.name);
      if (std::find(request.traces.begin(), request.traces.end(), g.name) != request.traces.end())
        scenario.goals.push_back(g);
    }
  for (const std::string& asked : request.traces)
    if (std::find(names.begin(), names.end(), asked) == names.end()) {
      const std::string near = nearest_word(asked, names);
      throw InputError(fmt::format("--trace {}: no setting of the grid has this name{}. There are: {}", asked,
                                   near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near),
                                   fmt::join(names, ", ")));
    }
  scenario.schedulers = evaluation.schedulers;
  const Evaluation traced{scenario,
                          recording,
                          resolve_goals(scenario, recording.profile),
                          recording.info.value("accuracy_source", "profile"),
                          recording.profile.energy_source,
                          folder};
  run_replay(traced, recording.truth.inputs);
}

ExitCode replay_grid(const ReplayRequest& request, const RunOptions& options) {
  const Recording recording = Recording::load(request.recording);
  const Scenario scenario = scenario_to_replay(recording, request, options.quiet);
  CellRequest cell;
  cell.schedulers = request.schedulers;
  if (cell.schedulers.empty()) {
    const Preflight able = able_schedulers(recording.profile);
    cell.schedulers = able.scenario.schedulers;
    for (const std::string& n : able.notes)
      if (!options.quiet) say("note: {}", n);
  }
  cell.scheduler_settings = scenario.scheduler_settings;
  cell.grid = request.grid_spec;
  cell.threads = request.threads;
  EvaluationResult evaluation = begin_evaluation(cell);
  const auto all = [&] {
    const std::string sha256 = hash_file(description_path(request.recording)).sha256;
    for (const Task task : {Task::min_energy, Task::min_error})
      evaluation.cells.push_back(evaluate_cell(recording, scenario, sha256, task, cell));
    evaluation.total();
    if (options.json)
      print_out("{}\n", evaluation.to_json().dump(1));
    else
      print_out("{}", to_text(evaluation_report(evaluation)));
    flush_output();
  };
  if (options.out.empty()) {
    if (!request.traces.empty()) throw InputError("--trace: needs --out, the folder to write them to");
    all();
    return ExitCode::done;
  }
  ResultFolder result(scenario.to_json(), options,
                      trace_names(evaluation.schedulers, request.traces, {"replay"}));
  return guarded(result, [&] {
    result.manifest.accuracy_source = recording.info.value("accuracy_source", "profile");
    result.manifest.energy_source = recording.profile.energy_source;
    result.manifest.add_file(description_path(request.recording));
    if (!request.traces.empty())
      write_grid_traces(request, recording, scenario, evaluation, result.path() + "/traces");
    all();
    evaluation.write(result.path());
    write_file_atomically(result.path() + "/profile.json", recording.profile.to_json().dump(1) + "\n");
    return conclude(result, {}, options.quiet);
  });
}

}  // namespace

ExitCode replay_recording(const ReplayRequest& request, const RunOptions& options) {
  if (request.grid) return replay_grid(request, options);
  const Recording recording = Recording::load(request.recording);
  const Scenario scenario = scenario_to_replay(recording, request, options.quiet);
  const int64_t inputs = recording.truth.inputs;
  Evaluation evaluation{scenario,
                        recording,
                        resolve_goals(scenario, recording.profile),
                        recording.info.value("accuracy_source", "profile"),
                        recording.profile.energy_source,
                        ""};
  const auto all = [&] {
    return summary_json(evaluation, {}, evaluation.summaries(run_replay(evaluation, inputs)));
  };
  if (options.out.empty()) {
    print_summary(all(), options);
    return ExitCode::done;
  }
  ResultFolder result(scenario.to_json(), options,
                      trace_names(scenario.schedulers, setting_names(scenario), {"replay"}));
  return guarded(result, [&] {
    result.manifest.accuracy_source = evaluation.accuracy_source;
    result.manifest.add_file(description_path(request.recording));
    evaluation.traces_folder = result.path() + "/traces";
    const ordered_json summary = all();
    write_file_atomically(result.path() + "/summary.json", summary.dump(1) + "\n");
    write_file_atomically(result.path() + "/profile.json", recording.profile.to_json().dump(1) + "\n");
    print_summary(summary, options);
    return conclude(result, {}, options.quiet);
  });
}

std::string describe_plan(const Scenario& asked) {
  const Preflight preflight = check_before(asked);
  const Scenario& s = preflight.scenario;
  const std::vector<NetworkSpec> networks = candidates_of(s);
  std::string notes;
  for (const std::string& n : preflight.notes) notes += fmt::format("note: {}\n", printable(n));
  const size_t cells = networks.size() * s.caps_w.size();
  const auto executions = [&](int times) {
    const size_t counted = cells * static_cast<size_t>(times),
                 others = networks.size() * static_cast<size_t>(times);
    std::string text = fmt::format("{} executions", counted);
    if (s.record_pace == "none") return text;
    text += fmt::format(" (and {} that do not count) at the pace of live runs, one deadline each at least",
                        others);
    if (s.goals[0].deadline_s)
      text += fmt::format(", {:.0f} s", std::ceil(static_cast<double>(counted) * *s.goals[0].deadline_s));
    return text;
  };
  return fmt::format(
      "Plan of {}: {} networks x {} caps\n"
      "  profile: {}, alone\n  record:  {}; {} inputs, co-runner {}\n"
      "  live:    {} inputs ({} goal settings x {} schedulers x {} inputs), each takes one deadline\n"
      "  replay:  the same from the recording\nHow long it takes is known once the profile is there; "
      "progress then says so.\n{}",
      s.name, networks.size(), s.caps_w.size(), executions(s.profile_repetitions), executions(s.inputs),
      s.inputs, s.co_runner.kind, s.goals.size() * s.schedulers.size() * static_cast<size_t>(s.inputs),
      s.goals.size(), s.schedulers.size(), s.inputs, notes);
}

}  // namespace alertbench
