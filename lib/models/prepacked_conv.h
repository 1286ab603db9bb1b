// A convolution for inference on one input shape, whose weight is rearranged once for oneDNN. It is a plain
// convolution if this LibTorch has no such operator (they come and go between releases), if the image is too
// small to benefit, or if the device uses the portable code.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "models/compute_device.h"

namespace alertbench {

class PrepackedConv {
 public:
  // weight [out, in / groups, k, k] in the memory format of later inputs ([1, in, size, size]); bias [out].
  // Both must lie on the processor; they are moved to the device.
  PrepackedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t padding,
                int64_t size, bool relu, int64_t groups = 1, const ComputeDevice& device = {});
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  int64_t stride_, padding_, groups_;
  bool relu_;
  c10::IValue packed_;  // None: not available
};

}  // namespace alertbench
