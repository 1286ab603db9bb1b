#include "models/lstm_network.h"

#include <cmath>
#include <map>

namespace alertbench {
namespace {

using at::Tensor;

constexpr size_t states_kept = 256;

// A copy in which neighbours of the last dimension lie side by side.
Tensor packed(const Tensor& t) { return at::empty(t.sizes(), t.options()).copy_(t.detach()); }

float sigmoid(float z) { return 1 / (1 + std::exp(-z)); }

// One word at a time makes every product one of a matrix and a vector. BLAS's routine for those reads each
// weight once, where its product of matrices would first copy them all. The weights are laid out for it here:
// row after row for the gates; column after column for the output layer, which is long and narrow, and each
// stripe's apart, so that a stage touches no weight of another.
class LstmNetwork : public StagedModel {
 public:
  LstmNetwork(const StripedLstm& net, const ComputeDevice& device)
      : device_(device),
        config_(net->config),
        width_(config_.units / config_.stripes),
        scores_(static_cast<size_t>(stages())) {
    torch::InferenceMode guard;
    const auto place = [&device](const Tensor& t) { return device.put(packed(t)); };
    for (int s = 0; s < stages(); ++s) {
      layers_.emplace_back();
      for (const auto& layer : net->layers) {
        const LstmStripe& stripe = layer[static_cast<size_t>(s)];
        layers_.back().push_back({place(stripe.input), place(stripe.recurrent), place(stripe.bias)});
      }
      output_.push_back(
          {place(net->embedding.narrow(1, s * width_, width_).t()).t(), place(net->output_bias[s])});
    }
    embedding_ = place(net->embedding);
    gates_ = at::empty({4 * width_}, device.floats());
    sum_ = at::empty({config_.vocabulary}, device.floats());
    after_ = zeros();
  }

  int stages() const override { return config_.stripes; }
  int blocks(int) const override { return config_.layers + 1; }

  void set_input(const NetworkInput& input) override {
    torch::InferenceMode guard;
    const WordInText& word = input_of_kind<WordInText>(input, "words of a text");
    before_ = state_before(word);
    word_ = embedding_[(*word.words)[static_cast<size_t>(word.position)]];
  }

  void run_block(int stage, int block) override {
    torch::InferenceMode guard;
    if (block < config_.layers)
      run_layer(stage, block, word_, before_, after_);
    else
      run_output(stage);
  }

  std::vector<float> scores(int stage) const override {
    const Tensor s = scores_[static_cast<size_t>(stage)].cpu();
    return {s.data_ptr<float>(), s.data_ptr<float>() + s.numel()};
  }

 private:
  struct Output {
    Tensor weight, bias;  // [vocabulary, width], [vocabulary]
  };
  struct State {
    Tensor hidden, cell;  // [layers, units]
  };

  State zeros() const {
    const auto zero = [this] { return at::zeros({config_.layers, config_.units}, device_.floats()); };
    return {zero(), zero()};
  }

  // One stripe of one layer; the stripes before it have run, and so has the same stripe of the layer below.
  void run_layer(int stage, int layer, const Tensor& word, const State& before, State& after) {
    const LstmStripe& stripe = layers_[static_cast<size_t>(stage)][static_cast<size_t>(layer)];
    const int64_t first = stage * width_, inputs = first + width_;
    const Tensor x = layer == 0 ? word : after.hidden[layer - 1];
    at::addmv_out(gates_, stripe.bias, stripe.input, x.narrow(0, 0, inputs));
    gates_.addmv_(stripe.recurrent, before.hidden[layer].narrow(0, 0, inputs));
    if (device_.portable())
      cells_by_operators(before.cell[layer].narrow(0, first, width_),
                         after.cell[layer].narrow(0, first, width_),
                         after.hidden[layer].narrow(0, first, width_));
    else
      cells_by_numbers(before, after, layer * config_.units + first);
  }

  // From gates_. The numbers of the stripe begin at `at` in both states.
  void cells_by_numbers(const State& before, State& after, int64_t at) {
    const float *gates = gates_.data_ptr<float>(), *cell_before = before.cell.data_ptr<float>() + at;
    float *cell = after.cell.data_ptr<float>() + at, *hidden = after.hidden.data_ptr<float>() + at;
    for (int64_t u = 0; u < width_; ++u) {
      const float input = gates[u], forget = gates[width_ + u], output = gates[2 * width_ + u],
                  candidate = gates[3 * width_ + u];
      cell[u] = sigmoid(forget) * cell_before[u] + sigmoid(input) * std::tanh(candidate);
      hidden[u] = sigmoid(output) * std::tanh(cell[u]);
    }
  }

  // The same; gates_ is used up.
  void cells_by_operators(const Tensor& cell_before, Tensor cell, Tensor hidden) {
    const auto gate = [this](int64_t which) { return gates_.narrow(0, which * width_, width_); };
    gates_.narrow(0, 0, 3 * width_).sigmoid_();
    gate(3).tanh_();
    at::mul_out(cell, gate(1), cell_before);
    cell.addcmul_(gate(0), gate(3));
    at::tanh_out(hidden, cell);
    hidden.mul_(gate(2));
  }

  // The stage's part of every word's score, on top of what the stages before left in sum_.
  void run_output(int stage) {
    const Output& own = output_[static_cast<size_t>(stage)];
    const Tensor hidden = after_.hidden[config_.layers - 1].narrow(0, stage * width_, width_);
    if (stage == 0)
      sum_.copy_(own.bias);
    else
      sum_.add_(own.bias);
    sum_.addmv_(own.weight, hidden);
    scores_[static_cast<size_t>(stage)] = at::log_softmax(sum_, 0);
  }

  State state_before(const WordInText& word) {
    if (word.words != words_ || word.begin != begin_) states_.clear();
    words_ = word.words;
    begin_ = word.begin;
    int64_t position = word.begin;
    State state = zeros();
    if (const auto behind = states_.upper_bound(word.position); behind != states_.begin()) {
      position = std::prev(behind)->first;
      state = std::prev(behind)->second;
    }
    for (; position < word.position; ++position) {
      const Tensor read = embedding_[(*word.words)[static_cast<size_t>(position)]];
      State next = zeros();
      for (int stage = 0; stage < stages(); ++stage)
        for (int layer = 0; layer < config_.layers; ++layer) run_layer(stage, layer, read, state, next);
      states_[position + 1] = state = next;
      if (states_.size() > states_kept) states_.erase(states_.begin());
    }
    return state;
  }

  ComputeDevice device_;
  LstmConfig config_;
  int64_t width_;
  Tensor embedding_;
  std::vector<std::vector<LstmStripe>> layers_;  // [stage][layer]
  std::vector<Output> output_;                   // [stage]
  const std::vector<int32_t>* words_ = nullptr;
  int64_t begin_ = 0;
  std::map<int64_t, State> states_;  // by the position that comes next
  State before_, after_;
  Tensor word_, gates_, sum_;
  std::vector<Tensor> scores_;
};

}  // namespace

std::unique_ptr<StagedModel> compile(const StripedLstm& net, const ComputeDevice& device) {
  return std::make_unique<LstmNetwork>(net, device);
}

}  // namespace alertbench
