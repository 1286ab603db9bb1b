#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>

#include "base/console.h"
#include "base/json_reader.h"
#include "commands.h"
#include "core/profile.h"
#include "evaluation/cell.h"
#include "evaluation/evaluation.h"
#include "models/inference_runtime.h"
#include "models/network_file.h"
#include "models/network_memory.h"
#include "recording/recording.h"
#include "result/manifest.h"
#include "sweep/plan.h"
#include "sweep/sweep_file.h"
#include "trace/trace_reader.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

struct LoadRequest {
  bool load = false, allow_commands = false;
  int classes = 1000;
};

std::string check_networks(const std::string& path, const LoadRequest& request) {
  NetworkFile file = NetworkFile::read(path, false);
  std::vector<std::string> untrained;
  std::error_code error;   // a name may also be too long
  size_t own_weights = 0;  // a cascade has only those of other networks in this file
  for (const NetworkSpec& n : file.networks) {
    if (n.is_cascade()) continue;
    ++own_weights;
    if (!n.random_weights() && !fs::exists(n.weights, error)) {
      if (!n.accuracy.source.empty())
        throw InputError(
            fmt::format("{}: networks: {}: weights: {} does not exist", path, n.name, n.weights));
      untrained.push_back(n.name);
    }
  }
  if (untrained.size() == own_weights)
    return fmt::format("network file, {} networks, none of them trained yet", file.networks.size());
  file = NetworkFile::read(path);
  int64_t most_parameters = 0;
  for (const NetworkSpec& n : file.networks) {
    try {
      check_memory(n);
    } catch (const InputError& e) {
      throw InputError(fmt::format("{}: {}", path, e.what()));
    }
    most_parameters = std::max(most_parameters, n.parameters());
  }
  if (request.load) {
    if (!request.allow_commands) refuse_native_code(file.networks, path);
    const auto runtime = open_inference_runtime(1);
    const size_t before = runtime->facts().at("warnings").size();
    for (const NetworkSpec& n : file.networks) runtime->load(n, n.classes() ? n.classes() : request.classes);
    const nlohmann::ordered_json warnings = runtime->facts().at("warnings");
    for (size_t w = before; w < warnings.size(); ++w)
      say("alert-bench: {}: warning: {}", path, warnings[w].get<std::string>());
  }
  return fmt::format("network file, {} networks{}{}", file.networks.size(),
                     most_parameters > 0 ? fmt::format(" of up to {} parameters", most_parameters) : "",
                     request.load ? ", all load" : "");
}

std::string about(const EvaluationResult& e) {
  size_t settings = 0, failed = 0;
  for (const Cell& c : e.cells) settings += c.settings.size(), failed += c.failed.empty() ? 0 : 1;
  return fmt::format("{} cells{}, {} settings, {} schedulers", e.cells.size(),
                     failed ? fmt::format(" ({} failed)", failed) : "", settings, e.schedulers.size());
}

std::string check_sweep_file(const std::string& path) {
  const Plan plan = Plan::of(SweepFile::read(path), {});
  for (const PlannedCell& p : plan.cells)
    if (!p.cell.failed.empty()) throw InputError(fmt::format("{}: recordings: {}", path, p.cell.failed));
  return fmt::format("sweep file, {} cells", plan.cells.size());
}

// What `sweep`, `merge` or `replay --grid` left; a sweep that is not done has its finished cells checked.
std::string check_evaluation(const std::string& folder) {
  std::string told;
  if (fs::exists(folder + "/plan.json")) {
    const Plan plan = Plan::read(folder + "/plan.json");
    size_t finished = 0;
    if (fs::is_directory(folder + "/cells"))
      for (const auto& entry : fs::directory_iterator(folder + "/cells"))
        if (entry.path().extension() == ".json") EvaluationResult::read(entry.path().string()), ++finished;
    told = fmt::format("sweep {}, shard {}, {} of {} cells finished; ", plan.name, plan.shard.text(),
                       finished, plan.cells.size());
  }
  if (!fs::exists(folder + "/evaluation.json")) return told + "not finished yet";
  return told + "evaluation, " + about(EvaluationResult::read(folder));
}

std::string check_recording(const std::string& path) {
  const Recording r = Recording::load(path);
  if (r.info.contains("scenario")) recorded_scenario(r, path);
  return fmt::format("recording, {} of {} inputs", r.truth.inputs, r.planned_inputs);
}

// Says what the file is, or throws InputError.
std::string check(const std::string& path, const LoadRequest& request) {
  if (fs::is_directory(path)) {
    if (fs::exists(path + "/recording.json")) return check_recording(path);
    if (fs::exists(path + "/evaluation.json") || fs::exists(path + "/plan.json"))
      return check_evaluation(path);
    if (!fs::exists(path + "/manifest.json"))
      throw InputError(path +
                       ": contains neither recording.json nor manifest.json: not a recording or a result");
    const nlohmann::json manifest = read_json_file(path + "/manifest.json");
    JsonReader(manifest, path + "/manifest.json").version(manifest_schema_version);
    int traces = 0;
    if (fs::is_directory(path + "/traces"))
      for (const auto& entry : fs::directory_iterator(path + "/traces"))
        if (entry.path().extension() == ".jsonl") read_trace(entry.path().string()), ++traces;
    if (fs::exists(path + "/recording/recording.json")) check_recording(path + "/recording");
    return fmt::format("result, status {}, {} valid traces", manifest.value("status", "unknown"), traces);
  }
  if (fs::path(path).extension() == ".jsonl") {
    const TraceFile t = read_trace(path);
    return fmt::format("trace of {}, {} inputs, {}{}", t.header.scheduler, t.inputs.size(), t.status,
                       t.torn_line ? fmt::format(" (line {} is truncated and ignored)", t.torn_line) : "");
  }
  const nlohmann::json j = read_json_file(path);
  if (!j.is_object()) throw InputError(path + ": not a JSON object");
  if (fs::path(path).stem().extension() == ".schema") return "JSON schema, not checked further";
  const std::string kind = j.contains("kind") && j["kind"].is_string() ? j["kind"].get<std::string>() : "";
  if (kind == "evaluation") return "evaluation, " + about(EvaluationResult::from_json(j, path));
  if (kind == "sweep") return check_sweep_file(path);
  if (kind == "sweep-plan") return fmt::format("plan of a sweep, {} cells", Plan::read(path).cells.size());
  if (j.contains("networks") && j["networks"].is_array()) return check_networks(path, request);
  if (j.contains("goals") || j.contains("extends"))
    return fmt::format("scenario, {} goal settings", Scenario::read(path, {}).goals.size());
  if (j.contains("arrays")) return check_recording(path);
  if (j.contains("caps_w") && j.contains("models"))
    return fmt::format("profile, {} networks", Profile::read(path).models.size());
  throw InputError(
      path +
      ": not a scenario, network file, profile, recording, sweep or evaluation (it has none of the "
      "keys goals, networks, models, arrays, kind)");
}

}  // namespace

void add_validate(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "validate",
      "check a scenario, network file, profile, recording, trace, sweep, evaluation or result folder");
  struct ValidateArguments {
    std::vector<std::string> files;
    LoadRequest request;
  };
  auto a = std::make_shared<ValidateArguments>();
  command->add_option("FILE", a->files, "files or folders")->required();
  command->add_flag("--load", a->request.load,
                    "also load the networks of a network file with LibTorch, to check that the weights fit");
  command
      ->add_option("--classes", a->request.classes,
                   "classes that a TorchScript or AOTInductor network must have (with --load)")
      ->capture_default_str();
  command->add_flag("--allow-commands", a->request.allow_commands,
                    "let --load run networks that are native code (AOTInductor packages)");
  command->callback([a, &line] {
    line.action = [a] {
      ExitCode worst = ExitCode::done;
      for (const std::string& file : a->files) {
        try {
          print_out("{}\n", printable(fmt::format("{}: valid: {}", file, check(file, a->request))));
        } catch (const Error& e) {
          say("alert-bench: {}", e.what());
          worst = ExitCode::bad_input;
        } catch (const std::exception& e) {  // a value of another type than expected, ...: the other files
                                             // are looked at all the same
          say("alert-bench: {}: {}", file, e.what());
          worst = ExitCode::bad_input;
        }
      }
      return worst;
    };
  });
}

}  // namespace alertbench
