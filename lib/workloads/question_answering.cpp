#include "workloads/question_answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "base/error.h"
#include "base/random.h"
#include "workloads/squad_score.h"

namespace alertbench {
namespace {

constexpr int64_t made_up_questions = 10000;
constexpr int64_t made_up_vocabulary =
    30000;  // of BERT's 30,522; special tokens are low numbers, and left out
constexpr int64_t made_up_first = 1000;
constexpr double mean_tokens = 170, log_sd = 0.35;
constexpr int64_t longest_sequence = 384;

}  // namespace

QuestionAnswering::QuestionAnswering(const std::string& dir, uint64_t seed) : dir_(dir), seed_(seed) {
  if (made_up()) return;
  for (const char* name : {"/dev-v1.1.json", "/vocab.txt"})
    if (!std::filesystem::exists(dir + name))
      throw InputError(fmt::format(
          "{}{}: no such file; pass the folder with dev-v1.1.json and vocab.txt with --data", dir, name));
  data_ = SquadData::read(dir + "/dev-v1.1.json");
  vocabulary_ = Vocabulary::read(dir + "/vocab.txt");
}

int64_t QuestionAnswering::size() const {
  return made_up() ? made_up_questions : static_cast<int64_t>(data_.questions.size());
}

std::string QuestionAnswering::data_source() const {
  if (made_up()) return fmt::format("synthetic questions, seed {}", seed_);
  return fmt::format("{}/dev-v1.1.json: {} questions on {} paragraphs{}; {}vocab.txt of {} word pieces", dir_,
                     size(), data_.contexts.size(),
                     data_.misplaced_answers
                         ? fmt::format(", {} answers not at their answer_start", data_.misplaced_answers)
                         : "",
                     vocabulary_.cased() ? "cased " : "", vocabulary_.size());
}

std::string QuestionAnswering::input_id(int64_t n) const {
  return made_up() ? fmt::format("synthetic/{}", n) : question(n).id;
}

int64_t QuestionAnswering::made_up_tokens(int64_t n) const {
  if (n < 0 || n >= size()) throw std::out_of_range(fmt::format("question {} of {}", n, size()));
  Random random(seed_ * 1000003 + static_cast<uint64_t>(n));
  const double tokens = mean_tokens * std::exp(log_sd * random.normal() - log_sd * log_sd / 2);
  return std::clamp<int64_t>(std::llround(tokens), 16, longest_sequence);
}

std::vector<SquadWindow> QuestionAnswering::windows(int64_t n) const {
  const SquadQuestion& q = question(n);
  std::vector<SquadWindow> all = squad_windows(vocabulary_, q.question, data_.contexts[q.context]);
  if (all.empty())
    throw InputError(
        fmt::format("{}/dev-v1.1.json: question {}: its context contains no tokens", dir_, q.id));
  return all;
}

InputFacts QuestionAnswering::facts(int64_t n) const {
  if (made_up()) return {1, static_cast<double>(made_up_tokens(n))};
  size_t tokens = 0;
  for (const SquadWindow& w : windows(n)) tokens += w.ids.size();
  return {1, static_cast<double>(tokens)};
}

NetworkInput QuestionAnswering::network_input(int64_t n, const ImageSpec&) const {
  TokenWindows input;
  if (made_up()) {
    const int64_t tokens = made_up_tokens(n);
    Random random(seed_ ^ static_cast<uint64_t>(n));
    TokenWindow w;
    for (int64_t i = 0; i < tokens; ++i) {
      w.ids.push_back(made_up_first + static_cast<int64_t>(random.below(made_up_vocabulary - made_up_first)));
      w.types.push_back(i < 15 ? 0 : 1);
    }
    input.windows.push_back(std::move(w));
  } else {
    for (SquadWindow& w : windows(n)) input.windows.push_back({std::move(w.ids), std::move(w.types)});
  }
  return input;
}

Correctness QuestionAnswering::judge(int64_t n, const std::vector<float>& scores) const {
  const std::vector<SquadWindow> all = windows(n);
  const SquadQuestion& asked = question(n);
  const std::string answer =
      squad_answer(data_.contexts[asked.context], all, squad_logits("question " + asked.id, all, scores));
  const SquadQuestionScore score = score_squad_answer(answer, asked);
  return {score.exact, {}, {}, score.f1};
}

Correctness QuestionAnswering::missed(int64_t) const { return {false, {}, {}, 0.0}; }

}  // namespace alertbench
