#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/console.h"
#include "commands.h"
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

}  // namespace

void add_score(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("score", "score answers from a file, the way a data set's official evaluation does");
  command->require_subcommand(1);
  auto* squad = command->add_subcommand("squad", "exact match and F1 of answers to SQuAD v1.1");
  auto a = std::make_shared<ScoreArguments>();
  squad->add_option("--data", a->data, "data set file, e.g. dev-v1.1.json")->required();
  squad->add_option("PREDICTIONS", a->predictions, "JSON object: question id -> answer text")->required();
  squad->add_flag("--json", a->json, "for a machine, with all digits");
  squad->callback([a, &line] { line.action = [a] { return score(*a); }; });
}

}  // namespace alertbench
