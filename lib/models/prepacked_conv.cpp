#include "models/prepacked_conv.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace alertbench {
namespace {

using at::Tensor;
using torch::jit::Stack;
using zoo::Activation;

// An operator of LibTorch by its name, which need not exist.
class NamedOperator {
 public:
  explicit NamedOperator(const char* name, const char* overload = "") {
    if (const auto found = c10::Dispatcher::singleton().findSchema({name, overload}))
      handles_.push_back(*found);
  }
  explicit operator bool() const { return !handles_.empty(); }
  c10::IValue operator()(Stack arguments) const {
    handles_[0].callBoxed(&arguments);
    return arguments.at(0);
  }

 private:
  std::vector<c10::OperatorHandle> handles_;  // none or one
};

// Those that Inductor uses (LibTorch 2.0 and later), and those of LibTorch's frozen TorchScript.
struct ConvolutionOperators {
  NamedOperator reorder{"mkldnn::_reorder_convolution_weight"}, fused{"mkldnn::_convolution_pointwise"},
      fused_sum{"mkldnn::_convolution_pointwise", "binary"};
  NamedOperator prepack{"mkldnn_prepacked::conv2d_prepack"}, prepacked{"mkldnn_prepacked::conv2d_run"};
  bool can_fuse = at::hasMKLDNN() && reorder && fused && fused_sum;
  bool can_prepack = at::hasMKLDNN() && prepack && prepacked;
};

const ConvolutionOperators& operators() {
  static const ConvolutionOperators found;
  return found;
}

std::vector<int64_t> twice(int64_t v) { return {v, v}; }

// LibTorch's own rule (use_mkldnn in aten/src/ATen/native/Convolution.cpp): a matrix product beats oneDNN on
// one small image, also if oneDNN would take an activation and a sum along.
bool too_small_for_onednn(const Tensor& weight, std::array<int64_t, 2> size, int64_t groups) {
  return groups == 1 && weight.size(2) <= 3 && weight.size(1) * size[0] * size[1] <= 20480;
}

// A `Scalar?[]`.
c10::IValue scalars(const std::vector<double>& values) {
  c10::impl::GenericList list(c10::OptionalType::create(c10::NumberType::get()));
  for (const double v : values) list.push_back(v);
  return list;
}

// Rows of numbers as the pixels of an image in channels-last, [rows, n] as [1, n, rows, 1], and back.
Tensor as_pixels(const Tensor& rows) {
  const int64_t count = rows.size(0), n = rows.size(1);
  return rows.contiguous().as_strided({1, n, count, 1}, {count * n, 1, n, n});
}
Tensor as_rows(const Tensor& pixels) {
  return pixels.permute({0, 2, 3, 1}).reshape({pixels.size(2), pixels.size(1)});
}

}  // namespace

Tensor activate(Tensor x, Activation activation) {
  if (activation == Activation::relu) x.relu_();
  if (activation == Activation::relu6) x.clamp_(0, 6);
  return x;
}

PrepackedConv::PrepackedConv(const Tensor& weight, const Tensor& bias, int64_t stride, int64_t padding,
                             std::array<int64_t, 2> size, Activation activation, int64_t groups,
                             const ComputeDevice& device)
    : weight_(device.put(weight)),
      bias_(device.put(bias)),
      stride_(stride),
      padding_(padding),
      groups_(groups),
      activation_(activation) {
  if (device.portable() || too_small_for_onednn(weight, size, groups)) return;
  rearranged_ = false;
  const std::vector<int64_t> input{1, weight.size(1) * groups, size[0], size[1]};
  try {
    if (operators().can_fuse)
      fuse(weight, input);
    else if (operators().can_prepack)
      prepack(weight, input);
    rearranged_ = operators().can_fuse || operators().can_prepack;
    if (*rearranged_) weight_.reset();
  } catch (const c10::Error&) {  // another signature in this release
    fused_.clear();
    fused_sum_.clear();
    prepacked_.clear();
  }
}

void PrepackedConv::fuse(const Tensor& weight, const std::vector<int64_t>& input) {
  const bool relu = activation_ == Activation::relu, relu6 = activation_ == Activation::relu6;
  const c10::IValue gap, none;
  const c10::IValue packed =
      operators().reorder({weight, twice(padding_), twice(stride_), twice(1), groups_, input});
  fused_ = {gap,
            packed,
            bias_,
            twice(padding_),
            twice(stride_),
            twice(1),
            groups_,
            relu    ? "relu"
            : relu6 ? "hardtanh"
                    : "none",
            relu6 ? scalars({0, 6}) : scalars({}),
            none};
  if (activation_ == Activation::none)
    fused_sum_ = {gap,  gap, packed,      bias_, twice(padding_), twice(stride_), twice(1), groups_, "add",
                  none, gap, scalars({}), none};
}

void PrepackedConv::prepack(const Tensor& weight, const std::vector<int64_t>& input) {
  const c10::IValue gap;
  prepacked_ = {gap, operators().prepack({weight, bias_, twice(stride_), twice(padding_), twice(1), groups_,
                                          input, activation_ == Activation::relu ? "relu" : "none"})};
}

Tensor PrepackedConv::operator()(const Tensor& x) const {
  if (!fused_.empty()) {
    Stack arguments = fused_;
    arguments[0] = x;
    return operators().fused(std::move(arguments)).toTensor();
  }
  if (!prepacked_.empty()) {
    const Tensor y = operators().prepacked({x, prepacked_[1]}).toTensor();
    return activation_ == Activation::relu ? y : activate(y, activation_);
  }
  return activate(at::conv2d(x, weight_, bias_, stride_, padding_, 1, groups_), activation_);
}

Tensor PrepackedConv::plus(const Tensor& x, const Tensor& other, Activation after) const {
  // The oneDNN of LibTorch 2.6 fails on the sum of a single pixel.
  const bool one_pixel = other.size(2) * other.size(3) == 1;
  if (fused_sum_.empty() || one_pixel || after == Activation::relu6)
    return activate((*this)(x).add_(other), after);
  Stack arguments = fused_sum_;
  arguments[0] = x;
  arguments[1] = other;
  if (after == Activation::relu) arguments[10] = "relu";
  return operators().fused_sum(std::move(arguments)).toTensor();
}

PrepackedLinear::PrepackedLinear(const Tensor& weight, const Tensor& bias, int64_t rows,
                                 const ComputeDevice& device) {
  if (!operators().can_fuse && operators().can_prepack) {
    const Tensor pixel = weight.view({weight.size(0), weight.size(1), 1, 1});
    const Tensor channels_last =
        at::empty(pixel.sizes(), pixel.options(), at::MemoryFormat::ChannelsLast).copy_(pixel);
    conv_.emplace(channels_last, bias, 1, 0, std::array<int64_t, 2>{rows, 1}, Activation::none, 1, device);
    if (conv_->prepacked().value_or(false)) return;
  }
  conv_.reset();
  weight_ = device.put(weight);
  bias_ = device.put(bias);
}

Tensor PrepackedLinear::operator()(const Tensor& x) const {
  return conv_ ? as_rows((*conv_)(as_pixels(x))) : at::linear(x, weight_, bias_);
}

Tensor PrepackedLinear::plus(const Tensor& x, const Tensor& other) const {
  return conv_ ? as_rows(conv_->plus(as_pixels(x), as_pixels(other), Activation::none))
               : at::linear(x, weight_, bias_).add_(other);
}

const char* convolution_way() {
  return operators().can_fuse ? "fused" : operators().can_prepack ? "prepacked" : "plain";
}

}  // namespace alertbench
