#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/console.h"
#include "base/json_lines.h"
#include "live/live_session.h"
#include "live/profiler.h"
#include "runner/live_result.h"
#include "runner/run.h"
#include "runner/run_result.h"

namespace alertbench {

namespace fs = std::filesystem;

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
      print_out("\n{:<22} speed under each emulated cap: achieved (requested)\n", "network");
    std::vector<std::string> speeds;
    for (const CapSpeed& s : model.cap_speeds)
      speeds.push_back(fmt::format("{:.3f} ({:.3f})", s.achieved, s.requested));
    print_out("{:<22} {}\n", model.name, fmt::join(speeds, "  "));
  }
  for (const ModelProfile& model : profile.models) {
    if (model.device_times.empty()) continue;
    if (&model == &profile.models.front())
      print_out("\n{:<22} GPU time by its own clock: median ms (share of latency) under each cap\n",
                "network");
    std::vector<std::string> times;
    for (const DeviceTime& t : model.device_times)
      times.push_back(fmt::format("{:.2f} ({:.0f} %)", 1e3 * t.median_s, 100 * t.share));
    print_out("{:<22} {}\n", model.name, fmt::join(times, "  "));
  }
  print_out("{}\n", profile.noise_verdict);
}

// What a network file lacks, as it would stand there.
void print_accuracy_to_add(const NetworkBench& bench, const Profile& profile,
                           const MeasuredAccuracy& accuracy, const std::string& network_file) {
  for (int m = 0; m < bench.models(); ++m) {
    const NetworkSpec& n = bench.network(m);
    if (!n.accuracy.source.empty()) continue;
    print_out("{} has no accuracy of {}; to add this one, add to its entry:\n  \"accuracy\": {}\n",
              network_file, n.name,
              json_text(to_json(accuracy_to_state(profile, m, accuracy), profile.accuracy_unit)));
  }
}

}  // namespace

ExitCode profile_scenario(const Scenario& scenario, const RunOptions& options) {
  if (fs::exists(options.out) && !options.overwrite)
    throw InputError(options.out + ": already exists; choose another --out, or add --overwrite");
  const std::string out = output_path(options.out);
  Scenario alone = scenario;
  alone.co_runner.kind = "none";
  candidates_of(alone, options.needs_accuracy());  // refuses what lacks one
  LiveSession session(alone, open_workload(alone), options.allow_commands, options.quiet);
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
  if (accuracy && !options.json) print_accuracy_to_add(*session.bench, profile, *accuracy, alone.networks);
  if (profile.noise_verdict.rfind("noisy", 0) == 0) refuse_warnings({profile.noise_verdict}, options.strict);
  if (!options.quiet) say("Profile: {}", options.out);
  return ExitCode::done;
}

}  // namespace alertbench
