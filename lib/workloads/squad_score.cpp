#include "workloads/squad_score.h"

#include <algorithm>
#include <map>

#include "base/unicode.h"

namespace alertbench {
namespace {

using Words = std::vector<std::u32string>;

bool is_ascii_punctuation(char32_t c) {
  return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
         (c >= U'{' && c <= U'~');
}

std::u32string without_articles(const std::u32string& text) {
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const auto first = text.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last = std::find_if_not(first, text.end(), is_word_character);
    const std::u32string word(first, last);
    result += word == U"a" || word == U"an" || word == U"the" ? U" " : word;
    i += word.size();
    if (i < text.size()) result.push_back(text[i++]);
  }
  return result;
}

Words split(const std::u32string& text) {
  Words words;
  bool open = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    words.back().push_back(c);
    open = true;
  }
  return words;
}

double f1(const Words& prediction, const Words& truth) {
  std::map<std::u32string, int> left;
  for (const auto& word : truth) ++left[word];
  int same = 0;
  for (const auto& word : prediction)
    if (const auto it = left.find(word); it != left.end() && it->second-- > 0) ++same;
  if (same == 0) return 0;
  const double precision = 1.0 * same / static_cast<double>(prediction.size());
  const double recall = 1.0 * same / static_cast<double>(truth.size());
  return 2 * precision * recall / (precision + recall);
}

}  // namespace

Words squad_words(const std::string& answer) {
  const std::u32string text = decode_utf8(answer);
  std::u32string lower;
  for (size_t i = 0; i < text.size(); ++i) append_lower(lower, text, i);
  lower.erase(std::remove_if(lower.begin(), lower.end(), is_ascii_punctuation), lower.end());
  return split(without_articles(lower));
}

SquadQuestionScore score_squad_answer(const std::string& prediction, const SquadQuestion& question) {
  const Words predicted = squad_words(prediction);
  SquadQuestionScore score;
  score.answered = true;
  for (const SquadAnswer& answer : question.answers) {
    const Words truth = squad_words(answer.text);
    score.exact = score.exact || predicted == truth;
    score.f1 = std::max(score.f1, f1(predicted, truth));
  }
  return score;
}

SquadScore score_squad(const SquadData& data, const SquadPredictions& predictions) {
  SquadScore score;
  size_t exact = 0;
  double sum = 0;
  for (const SquadQuestion& question : data.questions) {
    const auto it = predictions.find(question.id);
    score.questions.push_back(it == predictions.end() ? SquadQuestionScore()
                                                      : score_squad_answer(it->second, question));
    const SquadQuestionScore& last = score.questions.back();
    score.missing += !last.answered;
    exact += last.exact;
    sum += last.f1;
  }
  const auto total = static_cast<double>(data.questions.size());
  score.exact_match = 100.0 * static_cast<double>(exact) / total;
  score.f1 = 100.0 * sum / total;
  return score;
}

}  // namespace alertbench
