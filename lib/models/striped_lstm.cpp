#include "models/striped_lstm.h"

#include <fmt/format.h>

namespace alertbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double initial_range = 0.1;  // Zaremba et al., small network

// One matrix of all stripes, zero where an edge does not exist, gates outermost: [4 * units, units].
Tensor whole(const std::vector<LstmStripe>& stripes, Tensor LstmStripe::*part) {
  if (stripes.size() == 1) return stripes[0].*part;
  const int64_t units = (stripes.back().*part).size(1);
  std::vector<Tensor> rows;
  for (const LstmStripe& stripe : stripes) {
    const Tensor& t = stripe.*part;
    rows.push_back(at::constant_pad_nd(t, {0, units - t.size(1)}).view({4, -1, units}));
  }
  return at::cat(rows, 1).view({-1, units});
}

Tensor whole_bias(const std::vector<LstmStripe>& stripes) {
  std::vector<Tensor> parts;
  for (const LstmStripe& stripe : stripes) parts.push_back(stripe.bias.view({4, -1}));
  return at::cat(parts, 1).view({-1});
}

// gates [batch, 4 * units] become activations in place; cell and hidden of this step are written.
void cell_step(Tensor& gates, const Tensor& cell_before, Tensor cell, Tensor cell_tanh, Tensor hidden) {
  const int64_t units = cell_before.size(1);
  gates.narrow(1, 0, 3 * units).sigmoid_();
  gates.narrow(1, 3 * units, units).tanh_();
  at::mul_out(cell, gates.narrow(1, units, units), cell_before);
  cell.addcmul_(gates.narrow(1, 0, units), gates.narrow(1, 3 * units, units));
  at::tanh_out(cell_tanh, cell);
  at::mul_out(hidden, gates.narrow(1, 2 * units, units), cell_tanh);
}

// Back through one step's cell: turns the activations into the gradient of the gates before activation, in
// `gates`; `cell_gradient` comes in for this step's cell and leaves for the one before.
void cell_step_backward(float* gates, const float* cell_before, const float* cell_tanh,
                        const float* hidden_gradient, const float* recurrent_gradient, float* cell_gradient,
                        int64_t batch, int64_t units) {
  for (int64_t b = 0; b < batch; ++b, gates += 4 * units) {
    float *input = gates, *forget = gates + units, *output = gates + 2 * units,
          *candidate = gates + 3 * units;
    for (int64_t u = 0; u < units; ++u) {
      const int64_t k = b * units + u;
      const float i = input[u], f = forget[u], o = output[u], g = candidate[u], t = cell_tanh[k];
      const float dh = hidden_gradient[k] + recurrent_gradient[k];
      const float dc = cell_gradient[k] + dh * o * (1 - t * t);
      input[u] = dc * g * i * (1 - i);
      forget[u] = dc * cell_before[k] * f * (1 - f);
      output[u] = dh * t * o * (1 - o);
      candidate[u] = dc * i * (1 - g * g);
      cell_gradient[k] = dc * f;
    }
  }
}

// The recurrent half of a layer. Its own gradient makes one product of the weight's gradient over all steps,
// where plain autograd would add up one a step.
class Recurrence : public torch::autograd::Function<Recurrence> {
 public:
  // from_input: [steps, batch, 4 * units]; weight: [4 * units, units]; hidden, cell: [batch, units], behind
  // the last word, without gradient. Returns hidden and cell of all steps, [steps, batch, units]; the cells
  // have no gradient.
  static variable_list forward(AutogradContext* context, const Tensor& from_input, const Tensor& weight,
                               const Tensor& hidden, const Tensor& cell) {
    const int64_t steps = from_input.size(0), batch = from_input.size(1), units = weight.size(1);
    const Tensor gates = at::empty_like(from_input);
    const Tensor hiddens = at::empty({steps + 1, batch, units}, weight.options());
    const Tensor cells = at::empty_like(hiddens), tanhs = at::empty({steps, batch, units}, weight.options());
    hiddens[0].copy_(hidden);
    cells[0].copy_(cell);
    const Tensor transposed = weight.t();
    for (int64_t t = 0; t < steps; ++t) {
      Tensor now = gates[t];
      at::addmm_out(now, from_input[t], hiddens[t], transposed);
      cell_step(now, cells[t], cells[t + 1], tanhs[t], hiddens[t + 1]);
    }
    context->save_for_backward({weight, gates, hiddens, cells, tanhs});
    const Tensor cells_after = cells.narrow(0, 1, steps).clone();
    context->mark_non_differentiable({cells_after});
    return {hiddens.narrow(0, 1, steps).clone(), cells_after};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &weight = saved[0], &hiddens = saved[2], &cells = saved[3], &tanhs = saved[4];
    const Tensor gates = saved[1].clone();  // the graph may be retained
    const Tensor hidden_gradient = gradients[0].contiguous();
    const int64_t steps = gates.size(0), batch = gates.size(1), units = weight.size(1);
    Tensor recurrent_gradient = at::zeros({batch, units}, weight.options());
    const Tensor cell_gradient = at::zeros_like(recurrent_gradient);
    for (int64_t t = steps - 1; t >= 0; --t) {
      const int64_t at = t * batch * units;
      cell_step_backward(gates.data_ptr<float>() + 4 * at, cells.data_ptr<float>() + at,
                         tanhs.data_ptr<float>() + at, hidden_gradient.data_ptr<float>() + at,
                         recurrent_gradient.data_ptr<float>(), cell_gradient.data_ptr<float>(), batch, units);
      at::mm_out(recurrent_gradient, gates[t], weight);
    }
    const Tensor before = hiddens.narrow(0, 0, steps).view({steps * batch, units});
    return {gates, at::mm(gates.view({steps * batch, 4 * units}).t(), before), Tensor(), Tensor()};
  }
};

// Cross entropy of every stage with the tied output layer. The scores of a stage are those of the stage
// before plus one product, forward and back; plain autograd would hold all scores of all stages several
// times.
class NestedCrossEntropy : public torch::autograd::Function<NestedCrossEntropy> {
 public:
  // hidden: [n, units]; embedding: [vocabulary, units]; bias: [stages, vocabulary]; next: [n]. Returns
  // [stages].
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& embedding,
                        const Tensor& bias, const Tensor& next) {
    const int64_t n = hidden.size(0), stages = bias.size(0), width = hidden.size(1) / stages;
    const Tensor column = next.view({n, 1});
    Tensor scores = at::zeros({n, embedding.size(0)}, hidden.options());
    Tensor losses = at::empty({stages}, hidden.options());
    variable_list saved{hidden, embedding};
    for (int64_t s = 0; s < stages; ++s) {
      scores.add_(bias[s]);
      scores.addmm_(hidden.narrow(1, s * width, width), embedding.narrow(1, s * width, width).t());
      Tensor errors = at::softmax(scores, 1);
      // The probability of the likeliest word is never tiny, its logarithm is exact.
      const Tensor log_of_next = scores.gather(1, column) - scores.amax(1, true) + errors.amax(1, true).log();
      losses[s].copy_(log_of_next.mean().neg());
      errors.scatter_add_(1, column, at::full({n, 1}, -1.0, hidden.options()));
      saved.push_back(errors);
    }
    context->save_for_backward(saved);
    return losses;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &hidden = saved[0], &embedding = saved[1];
    const auto stages = static_cast<int64_t>(saved.size()) - 2;
    const int64_t width = hidden.size(1) / stages;
    const Tensor weights = gradients[0] / static_cast<double>(hidden.size(0));
    Tensor hidden_gradient = at::zeros_like(hidden), embedding_gradient = at::zeros_like(embedding);
    Tensor bias_gradient = at::zeros({stages, embedding.size(0)}, hidden.options());
    Tensor errors;  // of this stage and all later ones: its part of the scores is in all of them
    for (int64_t s = stages - 1; s >= 0; --s) {
      const float weight = weights[s].item<float>();
      if (weight != 0.0f)
        errors = errors.defined() ? errors.add_(saved[static_cast<size_t>(s) + 2], weight)
                                  : saved[static_cast<size_t>(s) + 2] * weight;
      if (!errors.defined()) continue;
      Tensor of_embedding = embedding_gradient.narrow(1, s * width, width);
      Tensor of_hidden = hidden_gradient.narrow(1, s * width, width);
      at::mm_out(of_embedding, errors.t(), hidden.narrow(1, s * width, width));
      at::mm_out(of_hidden, errors, embedding.narrow(1, s * width, width));
      bias_gradient[s].copy_(errors.sum(0));
    }
    return {hidden_gradient, embedding_gradient, bias_gradient, Tensor()};
  }
};

}  // namespace

StripedLstmImpl::StripedLstmImpl(const LstmConfig& c, double chance) : config(c), dropout(chance) {
  const auto parameter = [&](const std::string& name, torch::IntArrayRef shape) {
    return register_parameter(name, (torch::rand(shape) * 2 - 1) * initial_range);
  };
  embedding = parameter("embedding", {c.vocabulary, c.units});
  output_bias = register_parameter("output_bias", torch::zeros({c.stripes, c.vocabulary}));
  for (int l = 0; l < c.layers; ++l) {
    layers.emplace_back();
    for (int s = 0; s < c.stripes; ++s) {
      const std::string name = fmt::format("layer{}_stripe{}_", l + 1, s + 1);
      const int64_t rows = 4 * width(), columns = (s + 1) * width();
      layers.back().push_back({parameter(name + "input", {rows, columns}),
                               parameter(name + "recurrent", {rows, columns}),
                               register_parameter(name + "bias", torch::zeros({rows}))});
    }
  }
}

Tensor StripedLstmImpl::drop(const Tensor& x) const {
  return dropout > 0 && is_training() ? at::dropout(x, dropout, true) : x;
}

LstmState StripedLstmImpl::empty_state(int64_t batch) const {
  LstmState state;
  for (int l = 0; l < config.layers; ++l) {
    state.hidden.push_back(torch::zeros({batch, config.units}));
    state.cell.push_back(torch::zeros({batch, config.units}));
  }
  return state;
}

Tensor StripedLstmImpl::forward(const Tensor& words, LstmState& state) {
  const int64_t steps = words.size(0), batch = words.size(1);
  if (state.hidden.empty()) state = empty_state(batch);
  Tensor x = drop(at::embedding(embedding, words));
  for (size_t l = 0; l < layers.size(); ++l) {
    const Tensor from_input = at::addmm(whole_bias(layers[l]), x.reshape({steps * batch, config.units}),
                                        whole(layers[l], &LstmStripe::input).t());
    const auto out =
        Recurrence::apply(from_input.view({steps, batch, 4 * config.units}),
                          whole(layers[l], &LstmStripe::recurrent), state.hidden[l], state.cell[l]);
    state.hidden[l] = out[0][steps - 1].detach();
    state.cell[l] = out[1][steps - 1].detach();
    x = drop(out[0]);
  }
  return x;
}

Tensor StripedLstmImpl::stage_losses(const Tensor& hidden, const Tensor& next) {
  return NestedCrossEntropy::apply(hidden.reshape({-1, config.units}), embedding, output_bias,
                                   next.reshape({-1}));
}

Tensor StripedLstmImpl::stage_losses(const Tensor& hidden, const WordSample& sample) {
  Tensor bias = output_bias.index_select(1, sample.words);
  // Stage s adds up the rows 1..s: in the first row the correction reaches every stage once.
  bias = at::cat({(bias[0] - sample.log_chance).unsqueeze(0), bias.narrow(0, 1, config.stripes - 1)});
  return NestedCrossEntropy::apply(hidden.reshape({-1, config.units}),
                                   embedding.index_select(0, sample.words), bias, sample.next);
}

std::vector<Tensor> StripedLstmImpl::scores(const Tensor& hidden) {
  std::vector<Tensor> all;
  for (int s = 0; s < config.stripes; ++s) {
    const int64_t first = s * width();
    const Tensor own =
        at::matmul(hidden.narrow(-1, first, width()), embedding.narrow(1, first, width()).t()) +
        output_bias[s];
    all.push_back(s > 0 ? all.back() + own : own);
  }
  return all;
}

}  // namespace alertbench
