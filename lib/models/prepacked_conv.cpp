#include "models/prepacked_conv.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace alertbench {
namespace {

auto find(const char* name) { return c10::Dispatcher::singleton().findSchema({name, ""}); }

// LibTorch's own rule (use_mkldnn in aten/src/ATen/native/Convolution.cpp): a matrix product beats oneDNN on
// one small image.
bool too_small_for_onednn(const at::Tensor& weight, int64_t size, int64_t groups) {
  return groups == 1 && weight.size(2) <= 3 && weight.size(1) * size * size <= 20480;
}

const c10::OperatorHandle* run_operator() {
  static const auto op = find("mkldnn_prepacked::conv2d_run");
  return op.has_value() ? &*op : nullptr;
}

}  // namespace

PrepackedConv::PrepackedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                             int64_t padding, int64_t size, bool relu, int64_t groups,
                             const ComputeDevice& device)
    : weight_(device.put(weight)),
      bias_(device.put(bias)),
      stride_(stride),
      padding_(padding),
      groups_(groups),
      relu_(relu) {
  static const auto prepack = find("mkldnn_prepacked::conv2d_prepack");
  if (device.portable() || too_small_for_onednn(weight, size, groups)) return;
  prepacked_ = false;
  if (!prepack.has_value() || !run_operator() || !at::hasMKLDNN()) return;
  const auto twice = [](int64_t v) { return std::vector<int64_t>{v, v}; };
  try {
    torch::jit::Stack stack{weight,
                            bias,
                            twice(stride),
                            twice(padding),
                            twice(1),
                            groups,
                            std::vector<int64_t>{1, weight.size(1) * groups, size, size},
                            std::string(relu ? "relu" : "none")};
    prepack->callBoxed(&stack);
    packed_ = stack.at(0);
    prepacked_ = true;
  } catch (const c10::Error&) {
    packed_ = c10::IValue();  // another signature in this release
  }
}

at::Tensor PrepackedConv::operator()(const at::Tensor& x) const {
  if (packed_.isNone()) {
    at::Tensor y = at::conv2d(x, weight_, bias_, stride_, padding_, 1, groups_);
    return relu_ ? y.relu_() : y;
  }
  torch::jit::Stack stack{x, packed_};
  run_operator()->callBoxed(&stack);
  return stack.at(0).toTensor();
}

}  // namespace alertbench
