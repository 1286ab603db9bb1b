#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/console.h"
#include "base/sha256.h"
#include "commands.h"
#include "evaluation/calibration.h"
#include "evaluation/cell.h"
#include "report/calibration_report.h"
#include "workloads/squad.h"
#include "workloads/squad_score.h"

namespace alertbench {
namespace {

struct ScoreArguments {
  std::string data, predictions;
  bool json = false;
};

ExitCode score(const ScoreArguments& a) {
  const SquadData data = SquadData::read(a.data);
  const SquadPredictions predictions = read_squad_predictions(a.predictions);
  const SquadScore score = score_squad(data, predictions);
  const size_t answered = data.questions.size() - score.missing;
  if (answered == 0)
    throw InputError(fmt::format("{}: answers none of the {} questions in {}; use predictions for that file",
                                 a.predictions, data.questions.size(), a.data));
  if (data.misplaced_answers > 0)
    say("alert-bench: {}: warning: answer_start is missing or wrong in {} answers; they are judged by their "
        "text, as in the official evaluation",
        a.data, data.misplaced_answers);
  if (predictions.size() > answered)
    say("alert-bench: {}: ignored answers to questions that {} does not contain: {}", a.predictions, a.data,
        predictions.size() - answered);
  if (a.json) {
    const nlohmann::json result = {{"questions", data.questions.size()},
                                   {"missing", score.missing},
                                   {"exact_match", score.exact_match},
                                   {"f1", score.f1}};
    print_out("{}\n", result.dump(2));
    return ExitCode::done;
  }
  print_out("questions    {}\nmissing      {}{}\nexact match  {:.3f} %\nF1           {:.3f} %\n",
            data.questions.size(), score.missing, score.missing ? " (count as 0)" : "", score.exact_match,
            score.f1);
  return ExitCode::done;
}

struct EstimatorArguments {
  std::vector<std::string> recordings;
  int64_t inputs = 0;
  std::string out;
  bool json = false;
};

RecordingCalibration calibrate_recording(const std::string& path, int64_t inputs) {
  namespace fs = std::filesystem;
  const Recording recording = Recording::load(path);
  const fs::path file = fs::is_directory(path) ? fs::path(path) / "recording.json" : fs::path(path);
  RecordingCalibration r;
  r.name = fs::absolute(file).lexically_normal().parent_path().filename().string();
  r.workload = recording.profile.workload;
  r.scenario = recorded_scenario(recording, path).name;
  r.recording_sha256 = hash_file(file.string()).sha256;
  r.inputs = inputs > 0 ? std::min(inputs, recording.truth.inputs) : recording.truth.inputs;
  r.results = calibrate_estimators(recording, inputs, path);
  return r;
}

ExitCode score_estimators(const EstimatorArguments& a) {
  if (!a.out.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(a.out, failed);
    if (failed)
      throw InputError(
          fmt::format("--out {}: cannot be created ({}); choose another folder", a.out, failed.message()));
  }
  std::vector<RecordingCalibration> recordings;
  for (const std::string& path : a.recordings) recordings.push_back(calibrate_recording(path, a.inputs));
  const std::string json = calibration_json(recordings).dump(1) + "\n";
  const Document report = calibration_report(recordings);
  if (!a.out.empty()) {
    write_file_atomically(a.out + "/calibration.json", json);
    write_file_atomically(a.out + "/calibration.md", to_markdown(report));
  }
  print_out("{}", a.json ? json : to_text(report));
  return ExitCode::done;
}

}  // namespace

void add_score(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("score", "score answers from a file, or estimators of the slow-down factor");
  command->require_subcommand(1);
  auto* squad = command->add_subcommand(
      "squad", "exact match and F1 of answers to SQuAD v1.1, as its official evaluation computes them");
  auto a = std::make_shared<ScoreArguments>();
  squad->add_option("--data", a->data, "data set file, e.g. dev-v1.1.json")->required();
  squad->add_option("PREDICTIONS", a->predictions, "JSON object: question id -> answer text")->required();
  squad->add_flag("--json", a->json, "for a machine, with all digits");
  squad->callback([a, &line] { line.action = [a] { return score(*a); }; });

  auto* estimators = command->add_subcommand(
      "estimators", "how well each estimator of ALERT's slow-down factor predicts recordings");
  auto e = std::make_shared<EstimatorArguments>();
  estimators->add_option("RECORDING", e->recordings, "recording folder, or its recording.json")->required();
  estimators
      ->add_option("--inputs", e->inputs, "use only the first N inputs of each recording (default: all)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  estimators->add_option("--out", e->out, "also write calibration.json and calibration.md into this folder");
  estimators->add_flag("--json", e->json, "for a machine, with all digits");
  estimators->callback([e, &line] { line.action = [e] { return score_estimators(*e); }; });
}

}  // namespace alertbench
