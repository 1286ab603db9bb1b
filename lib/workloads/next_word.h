// Next-word prediction in the sentences of a text (lib/workloads/ptb.h): input n is the prediction of the
// n-th word, and the words of a sentence share a deadline.
//
// The text is read in passages of 100 sentences. A network's state begins at zero in each and is carried from
// sentence to sentence; it is always the state of the whole network behind all words before, however the
// words before were run.
#pragma once

#include "workloads/ptb.h"
#include "workloads/workload.h"

namespace alertbench {

class NextWord : public Workload {
 public:
  // The test text where the folder has it, else the validation text; without a folder synthetic text.
  explicit NextWord(const std::string& dir, uint64_t seed);

  std::string name() const override { return made_up_ ? "synthetic-ptb" : "ptb"; }
  std::string data_source() const override;
  int64_t size() const override { return static_cast<int64_t>(text().words.size()); }
  int classes() const override { return ptb_.vocabulary_size(); }
  bool labelled() const override { return !made_up_; }
  std::string input_id(int64_t n) const override;  // "valid/1234: sentence 57, word 3"
  InputFacts facts(int64_t n) const override;
  // A passage drawn by the seed and what follows it, from the front again behind the last word.
  std::vector<int64_t> order(int64_t count, uint64_t seed) const override;

  NetworkInput network_input(int64_t n, const ImageSpec& spec) const override;
  // `scores`: ln of the probability of each word.
  Correctness judge(int64_t n, const std::vector<float>& scores) const override;
  // The words' shares of the training text, the most frequent word first.
  Correctness missed(int64_t n) const override;
  double fail_accuracy() const override {
    return 0;
  }  // language quality: that guess is what it is measured against

 private:
  static constexpr int64_t passage_sentences = 100;
  const Ptb::Text& text() const { return ptb_.text(split_); }
  int64_t sentence_of(int64_t n) const;
  void check(int64_t n) const;
  double guess_nll(int32_t word) const;

  bool made_up_;
  Ptb ptb_;
  PtbSplit split_;
  std::vector<int32_t> read_;  // what is read before each word: the text, moved by one, behind an <eos>
};

}  // namespace alertbench
