#include "workloads/next_word.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/random.h"

namespace alertbench {

NextWord::NextWord(const std::string& dir, uint64_t seed)
    : made_up_(dir.empty()),
      ptb_(made_up_ ? Ptb::synthetic(seed) : Ptb(dir)),
      split_(ptb_.has(PtbSplit::test) ? PtbSplit::test : PtbSplit::valid) {
  read_.reserve(text().words.size());
  read_.push_back(ptb_.id_of("<eos>"));
  read_.insert(read_.end(), text().words.begin(), text().words.end() - 1);
}

std::string NextWord::data_source() const {
  return fmt::format("{}; {} words of split '{}'", ptb_.data_source(), size(), name_of(split_));
}

void NextWord::check(int64_t n) const {
  if (n < 0 || n >= size()) throw std::out_of_range(fmt::format("word {} of {}", n, size()));
}

int64_t NextWord::sentence_of(int64_t n) const {
  check(n);
  return std::upper_bound(text().starts.begin(), text().starts.end(), n) - text().starts.begin() - 1;
}

std::string NextWord::input_id(int64_t n) const {
  const int64_t sentence = sentence_of(n);
  return fmt::format("{}/{}: sentence {}, word {}", name_of(split_), n, sentence + 1,
                     n - text().starts[static_cast<size_t>(sentence)] + 1);
}

InputFacts NextWord::facts(int64_t n) const {
  return {text().starts[static_cast<size_t>(sentence_of(n)) + 1] - n, 1};
}

std::vector<int64_t> NextWord::order(int64_t count, uint64_t seed) const {
  const int64_t passages = (text().sentences() + passage_sentences - 1) / passage_sentences;
  const auto passage = static_cast<int64_t>(Random(seed).below(static_cast<uint64_t>(passages)));
  const int64_t first = text().starts[static_cast<size_t>(passage * passage_sentences)];
  std::vector<int64_t> words;
  for (int64_t n = 0; n < count; ++n) words.push_back((first + n) % size());
  return words;
}

NetworkInput NextWord::network_input(int64_t n, const ImageSpec&) const {
  const int64_t passage = sentence_of(n) / passage_sentences;
  return WordInText{&read_, text().starts[static_cast<size_t>(passage * passage_sentences)], n};
}

Correctness NextWord::judge(int64_t n, const std::vector<float>& scores) const {
  check(n);
  const int word = text().words[static_cast<size_t>(n)];
  const Judgement j = alertbench::judge(scores.data(), static_cast<int>(scores.size()), word);
  return {j.top1, j.top5, -static_cast<double>(scores.at(static_cast<size_t>(word))), {}, guess_nll(word)};
}

Correctness NextWord::missed(int64_t n) const {
  check(n);
  const int32_t word = text().words[static_cast<size_t>(n)];  // ids go by frequency
  return {word == 0, word < 5, guess_nll(word), {}, guess_nll(word)};
}

double NextWord::guess_nll(int32_t word) const {
  return -std::log(ptb_.frequencies()[static_cast<size_t>(word)]);
}

}  // namespace alertbench
