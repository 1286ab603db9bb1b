#include "training/squad_quality.h"

#include "workloads/squad_score.h"
#include "workloads/squad_windows.h"

namespace alertbench {
namespace {

// The answer of each stage.
std::vector<std::string> answers_of(BertReader& reader, const std::string& context,
                                    const std::vector<SquadWindow>& windows) {
  std::vector<TokenWindow> input;
  for (const SquadWindow& w : windows) input.push_back({w.ids, w.types});
  reader.set_windows(input);
  std::vector<std::string> answers;
  for (int stage = 0; stage < reader.stages(); ++stage) {
    for (int block = 0; block < reader.blocks(stage); ++block) reader.run_block(stage, block);
    answers.push_back(
        squad_answer(context, windows, squad_logits("the network", windows, reader.scores(stage))));
  }
  return answers;
}

}  // namespace

SquadQuality squad_quality(BertReader& reader, const SquadData& data, const Vocabulary& vocabulary) {
  std::vector<SquadPredictions> predictions(static_cast<size_t>(reader.stages()));
  for (const SquadQuestion& q : data.questions) {
    const std::string& context = data.contexts[q.context];
    const std::vector<SquadWindow> windows = squad_windows(vocabulary, q.question, context);
    if (windows.empty()) continue;  // a context without tokens: no answer
    const auto answers = answers_of(reader, context, windows);
    for (size_t s = 0; s < answers.size(); ++s) predictions[s].emplace(q.id, answers[s]);
  }
  SquadQuality quality;
  for (const SquadPredictions& of_stage : predictions) {
    const SquadScore score = score_squad(data, of_stage);
    quality.f1.push_back(score.f1 / 100);
    quality.exact.push_back(score.exact_match / 100);
  }
  return quality;
}

}  // namespace alertbench
