// A convolution for inference on one input shape, whose weight is rearranged once for oneDNN. It is a plain
// convolution if this LibTorch has no such operator (they come and go between releases), if the image is too
// small to benefit, or if the device uses the portable code.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include <optional>

#include "models/compute_device.h"

namespace alertbench {

class PrepackedConv {
 public:
  // weight [out, in / groups, k, k] in the memory format of later inputs ([1, in, size, size]); bias [out].
  // Both must lie on the processor; they are moved to the device.
  PrepackedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t padding,
                int64_t size, bool relu, int64_t groups = 1, const ComputeDevice& device = {});
  at::Tensor operator()(const at::Tensor& x) const;
  // Whether it is prepacked; nullopt if it is meant to be plain.
  std::optional<bool> prepacked() const { return prepacked_; }

 private:
  at::Tensor weight_, bias_;
  int64_t stride_, padding_, groups_;
  bool relu_;
  c10::IValue packed_;  // None: not available
  std::optional<bool> prepacked_;
};

// Adds a convolution to what StagedModel::prepacked() says of its network.
inline void note_prepacked(std::optional<bool>& network, const PrepackedConv& conv) {
  if (conv.prepacked()) network = network.value_or(true) && *conv.prepacked();
}

}  // namespace alertbench
