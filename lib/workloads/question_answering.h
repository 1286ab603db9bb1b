// Questions on texts (SQuAD v1.1) as inputs: each is fed as BERT's windows of tokens, and answered by a span
// of its context.
//
// A network gives for every token, window after window, first the scores that the answer starts at each token
// of the window, then the scores that it ends there.
#pragma once

#include "workloads/squad.h"
#include "workloads/squad_windows.h"
#include "workloads/workload.h"

namespace alertbench {

class QuestionAnswering : public Workload {
 public:
  // dev-v1.1.json and vocab.txt (BERT's, uncased) of `dir`. Without a folder 10,000 synthetic questions of
  // one window each: random tokens, as many as those of SQuAD's development set have (log-normal, mean 170).
  explicit QuestionAnswering(const std::string& dir, uint64_t seed);

  std::string name() const override { return made_up() ? "synthetic-squad" : "squad"; }
  std::string data_source() const override;
  int64_t size() const override;
  int classes() const override { return 0; }
  bool labelled() const override { return !made_up(); }
  std::string input_id(int64_t n) const override;
  InputFacts facts(int64_t n) const override;  // size: tokens of all windows
  std::string size_unit() const override { return "tokens"; }

  NetworkInput network_input(int64_t n, const ImageSpec& spec) const override;
  Correctness judge(int64_t n, const std::vector<float>& scores) const override;  // exact match and F1
  Correctness missed(int64_t n) const override;                                   // no answer
  double fail_accuracy() const override { return 0; }

 private:
  bool made_up() const { return dir_.empty(); }
  const SquadQuestion& question(int64_t n) const { return data_.questions.at(static_cast<size_t>(n)); }
  std::vector<SquadWindow> windows(int64_t n) const;
  int64_t made_up_tokens(int64_t n) const;

  std::string dir_;
  uint64_t seed_;
  SquadData data_;
  Vocabulary vocabulary_;
};

}  // namespace alertbench
