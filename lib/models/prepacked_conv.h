// A convolution for inference on one input shape: its weight is rearranged once for oneDNN, and what follows
// it (an activation, the sum of a residual block) is part of the same pass over the memory, as far as this
// LibTorch has operators for it; they come and go between releases (convolution_way() says which ones are
// used). It is a plain convolution if there are none, and if the device uses the portable code.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <array>
#include <optional>

#include "models/compute_device.h"
#include "models/zoo/layers.h"

namespace alertbench {

// In place: only for a tensor that nobody else holds.
at::Tensor activate(at::Tensor x, zoo::Activation activation);

class PrepackedConv {
 public:
  // weight [out, in / groups, k, k] in the memory format of later inputs ([1, in, height, width]); bias
  // [out]. Both must lie on the processor; they are moved to the device. `size`: height and width.
  PrepackedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t padding,
                std::array<int64_t, 2> size, zoo::Activation activation, int64_t groups = 1,
                const ComputeDevice& device = {});
  at::Tensor operator()(const at::Tensor& x) const;  // activation(convolution(x))
  // Returns after(activation(convolution(x)) + other), where `other` has the shape and format of the result.
  // The sum is fused only if the convolution has no activation of its own.
  at::Tensor plus(const at::Tensor& x, const at::Tensor& other, zoo::Activation after) const;
  // Whether its weight is rearranged; nullopt if it is meant to be plain.
  std::optional<bool> prepacked() const { return rearranged_; }

 private:
  void fuse(const at::Tensor& weight, const std::vector<int64_t>& input);
  void prepack(const at::Tensor& weight, const std::vector<int64_t>& input);

  at::Tensor weight_, bias_;
  int64_t stride_, padding_, groups_;
  zoo::Activation activation_;
  // Arguments of LibTorch's operators, with gaps for what is known later; empty: not available.
  torch::jit::Stack fused_, fused_sum_, prepacked_;
  std::optional<bool> rearranged_;
};

// y = x W' + b for x [rows, in]. To oneDNN this is a 1x1 convolution of an image of rows x 1 pixels, for
// which the weight can be rearranged in advance, while BLAS rearranges it in every call: with LibTorch 1.13 a
// fifth of the time for 128 rows. The oneDNN of LibTorch 2.x wants another arrangement for other numbers of
// rows, and makes it in every call, which takes several times as long as the product. With it, and in
// portable code, y is at::linear.
class PrepackedLinear {
 public:
  // weight [out, in], bias [out], on the processor. It is prepared for `rows`, but takes any number of them.
  PrepackedLinear(const at::Tensor& weight, const at::Tensor& bias, int64_t rows,
                  const ComputeDevice& device = {});
  at::Tensor operator()(const at::Tensor& x) const;
  at::Tensor plus(const at::Tensor& x, const at::Tensor& other) const;  // y + other, which is like y

 private:
  std::optional<PrepackedConv> conv_;
  at::Tensor weight_, bias_;  // where there is none
};

// Adds a convolution to what StagedModel::prepacked() says of its network.
inline void note_prepacked(std::optional<bool>& network, const PrepackedConv& conv) {
  if (conv.prepacked()) network = network.value_or(true) && *conv.prepacked();
}

// How convolutions run on the processor with this LibTorch: "fused" (weights rearranged; activations and sums
// fused), "prepacked" (weights rearranged; ReLU fused) or "plain".
const char* convolution_way();

}  // namespace alertbench
