// Residual networks whose layers are split into stripes, after the nested (anytime) Sparse ResNet of ALERT
// and "Orthogonalized SGD and Nested Architectures for Anytime Neural Networks" (ICML 2020).
//
// The channels of every layer form `stripes` equal groups. An edge from stripe a to stripe b exists only if a
// <= b, so stage s (1-based) needs only the stripes 1..s, reuses everything that earlier stages computed, and
// its own head turns their pooled features into a complete answer. With one stripe it is an ordinary residual
// network (He et al., CVPR 2016), so this module implements both kinds.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "models/resnet_config.h"

namespace alertbench {

// A convolution (without bias) whose weight is zero on edges from a later to an earlier stripe. The mask is
// applied in every forward pass, so masked weights never get a gradient.
class StripedConvImpl : public torch::nn::Module {
 public:
  // `shared_input`: the input has no stripes (an image), and every stripe reads all of it.
  StripedConvImpl(int in, int out, int kernel, int stride, int stripes, bool shared_input);
  torch::Tensor forward(const torch::Tensor& x);

  int in, out, kernel, stride, stripes;
  bool shared_input;
  torch::Tensor weight;  // [out, in, kernel, kernel]
  torch::Tensor mask;    // [out, in, 1, 1], undefined for one stripe
  // Channels of the input that stripe s (0-based) may read: the first so many.
  int inputs_of(int stripe) const { return shared_input ? in : in / stripes * (stripe + 1); }
};
TORCH_MODULE(StripedConv);

// The rows of one stripe (0-based) of a convolution with its batch norm folded in, for inference.
struct FoldedStripe {
  torch::Tensor weight, bias;  // [out / stripes, inputs_of(stripe), kernel, kernel], [out / stripes]
};
FoldedStripe fold_stripe(const StripedConv& conv, const torch::nn::BatchNorm2d& norm, int stripe);

class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(int in, int width, int out, int stride, int stripes, bool bottleneck);
  torch::Tensor forward(const torch::Tensor& x);

  std::vector<StripedConv> convs;             // in order; ReLU after each except the last
  std::vector<torch::nn::BatchNorm2d> norms;  // one after each convolution
  StripedConv downsample{nullptr};            // 1x1, if the shape changes
  torch::nn::BatchNorm2d downsample_norm{nullptr};
};
TORCH_MODULE(ResidualBlock);

class StripedResnetImpl : public torch::nn::Module {
 public:
  explicit StripedResnetImpl(const ResnetConfig& config);
  // x: [N, in_channels, H, W] float. Returns one [N, classes] of logits per stage.
  std::vector<torch::Tensor> forward(const torch::Tensor& x);

  ResnetConfig config;
  StripedConv stem{nullptr};
  torch::nn::BatchNorm2d stem_norm{nullptr};
  std::vector<ResidualBlock> blocks;
  std::vector<torch::nn::Linear> heads;  // heads[s] reads the pooled channels of stripes 0..s
};
TORCH_MODULE(StripedResnet);

// Saves a dictionary of tensors in PyTorch's zip format, which Python's `torch.load` can also read. Numbers
// are stored in half precision, which halves the files; alert-train measures after rounding.
void save_weights(const torch::nn::Module& module, const std::string& path);
// The file must contain every parameter and buffer, and nothing else. Throws InputError like fill_weights()
// of models/weights.h.
void load_weights(torch::nn::Module& module, const std::string& path);

}  // namespace alertbench
