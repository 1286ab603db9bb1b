// A cascade as a staged model: its members run one after the other on the same input, and stage k ends when
// member k has finished all stages of its own. It therefore behaves like any anytime network: run it until
// the deadline, and deliver the last stage that was finished. Needs no LibTorch.
//
// Stage k answers with the scores of member k, or with the mean of the probabilities that members 1 to k
// give. Averaged scores are ln of the mean, so that workloads judge them like those of any network.
// Probabilities are the softmax of a member's scores. Scores of words are ln of probabilities already, which
// softmax gives back. Scores of an image that are none below 0 and sum to 1 are probabilities (of a network
// that ends in a softmax), and are taken as they are. For a question, the softmax is over the starts in all
// windows, and over the ends in all windows: in each window apart it would lift the windows without an answer
// to the level of the others.
#pragma once

#include <memory>
#include <vector>

#include "models/cascade_config.h"
#include "models/staged_model.h"

namespace alertbench {

class Cascade : public StagedModel {
 public:
  // `members`: at least one, all for the same kind of input, the cascade's own.
  Cascade(std::vector<std::unique_ptr<StagedModel>> members, CascadeAnswer answer);

  int stages() const override { return static_cast<int>(members_.size()); }
  int blocks(int stage) const override;  // those of all stages of the member
  // Passes the input to every member: each its own image if the input is an ImagePerMember (InputError unless
  // it has as many as there are members), or else the same input.
  void set_input(const NetworkInput& input) override;
  void run_block(int stage, int block) override;
  bool blocks_done_at_return() const override;  // if those of every member are
  // Averages after the timed run, so its few microseconds are in no latency. Stage 1 has the scores of its
  // member unchanged. A score that is NaN or infinite makes all scores of this stage and later ones NaN.
  // RunError if members give different numbers of scores.
  std::vector<float> scores(int stage) const override;
  std::optional<double> device_time_s(int stage) const override;  // the members' times, added up
  std::optional<bool> prepacked() const override;                 // false if any member's weights are not

 private:
  // Part of the scores of one input, which belong to one distribution.
  struct Part {
    size_t scores;
    int distribution;
  };

  std::vector<double> log_probabilities(const std::vector<float>& scores) const;

  std::vector<std::unique_ptr<StagedModel>> members_;
  CascadeAnswer answer_;
  std::vector<Part> parts_;  // of a question; empty: all scores are one distribution
  int finished_ = 0;         // stages of this run
};

}  // namespace alertbench
