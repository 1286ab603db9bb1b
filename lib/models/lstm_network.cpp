#include "models/lstm_network.h"

#include <map>

namespace alertbench {
namespace {

constexpr size_t states_kept = 256;

class LstmNetwork : public StagedModel {
 public:
  explicit LstmNetwork(StripedLstm net) : net_(std::move(net)), scores_(static_cast<size_t>(stages())) { net_->eval(); }

  int stages() const override { return net_->config.stripes; }
  int blocks(int) const override { return 1; }

  void set_input(const NetworkInput& input) override {
    torch::InferenceMode guard;
    const WordInText& word = input_of_kind<WordInText>(input, "words of a text");
    before_ = state_before(word);
    word_ = torch::full({1}, int64_t{(*word.words)[static_cast<size_t>(word.position)]}, torch::kLong);
  }

  void run_block(int stage, int) override {
    torch::InferenceMode guard;
    if (stage == 0) {
      after_ = net_->empty_state(1);
      sum_ = torch::zeros({1, net_->config.vocabulary});
    }
    net_->run_stage(stage, word_, before_, after_, sum_);
    scores_[static_cast<size_t>(stage)] = at::log_softmax(sum_, 1);
  }

  std::vector<float> scores(int stage) const override {
    const torch::Tensor& s = scores_[static_cast<size_t>(stage)];
    return {s.data_ptr<float>(), s.data_ptr<float>() + s.numel()};
  }

 private:
  LstmState state_before(const WordInText& word) {
    if (word.words != words_ || word.begin != begin_) states_.clear();
    words_ = word.words;
    begin_ = word.begin;
    int64_t position = word.begin;
    LstmState state = net_->empty_state(1);
    if (const auto behind = states_.upper_bound(word.position); behind != states_.begin()) {
      position = std::prev(behind)->first;
      state = std::prev(behind)->second;
    }
    for (; position < word.position; ++position) {
      net_->forward(torch::full({1, 1}, int64_t{(*word.words)[static_cast<size_t>(position)]}, torch::kLong), state);
      states_[position + 1] = state;
      if (states_.size() > states_kept) states_.erase(states_.begin());
    }
    return state;
  }

  StripedLstm net_;
  const std::vector<int32_t>* words_ = nullptr;
  int64_t begin_ = 0;
  std::map<int64_t, LstmState> states_;  // by the position that comes next
  LstmState before_, after_;
  torch::Tensor word_, sum_;
  std::vector<torch::Tensor> scores_;
};

}  // namespace

std::unique_ptr<StagedModel> compile(const StripedLstm& net) { return std::make_unique<LstmNetwork>(net); }

}  // namespace alertbench
