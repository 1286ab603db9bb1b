#include "models/compiled_resnet.h"

#include <torch/script.h>

#include "models/direct_resnet.h"
#include "models/prepacked_conv.h"

namespace alertbench {
namespace {

using torch::Tensor;

// The rows of one stripe with its batch norm folded in.
PrepackedConv fold(const StripedConv& conv, const torch::nn::BatchNorm2d& norm, int stripe, int64_t size,
                   zoo::Activation activation, at::MemoryFormat format, const ComputeDevice& device) {
  const FoldedStripe folded = fold_stripe(conv, norm, stripe);
  return PrepackedConv(folded.weight.contiguous(format), folded.bias, conv->stride, conv->kernel / 2,
                       {size, size}, activation, 1, device);
}

// One layer's activations. One stripe: the tensor itself, nothing is copied. More: a buffer of all channels,
// into which every stage writes its own; in plain NCHW of one image the first channels are contiguous.
class ActivationBuffer {
 public:
  ActivationBuffer(int channels, int64_t size, int stripes, const ComputeDevice& device = {})
      : stripes_(stripes), rows_(channels / stripes) {
    if (stripes > 1) buffer_ = torch::empty({1, channels, size, size}, device.floats());
  }
  const Tensor upto(int stripe) const {
    return stripes_ == 1 ? buffer_ : buffer_.narrow(1, 0, rows_ * (stripe + 1));
  }
  const Tensor only(int stripe) const {
    return stripes_ == 1 ? buffer_ : buffer_.narrow(1, rows_ * stripe, rows_);
  }
  void set(int stripe, const Tensor& value) {
    if (stripes_ == 1)
      buffer_ = value;
    else
      buffer_.narrow(1, rows_ * stripe, rows_).copy_(value);
  }

 private:
  int stripes_;
  int64_t rows_;
  Tensor buffer_;
};

struct CompiledResnetBlock {
  std::vector<std::vector<PrepackedConv>> convs;  // [layer][stripe]
  std::vector<PrepackedConv> downsample;          // [stripe], empty if the input is added as it is
  std::vector<ActivationBuffer> inner;            // behind each convolution but the last
  ActivationBuffer out;
};

class CompiledResnet : public StagedModel {
 public:
  CompiledResnet(const StripedResnet& net, const ComputeDevice& device)
      : config_(net->config), pooled_stem_(1, 1, 1), input_(device) {
    c10::InferenceMode inference;
    const ResnetConfig& c = config_;
    const auto format =
        c.stripes == 1 && !device.portable() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    format_ = format;
    const auto shrink = [](int64_t size, int stride) { return (size + stride - 1) / stride; };
    int64_t size = c.input_size;
    for (int s = 0; s < c.stripes; ++s)
      stem_.push_back(fold(net->stem, net->stem_norm, s, size, zoo::Activation::relu, format, device));
    size = shrink(size, c.stem_stride);
    if (c.stem_pool) size = shrink(size, 2);
    pooled_stem_ = ActivationBuffer(c.stem_width, size, c.stripes, device);
    for (const auto& block : net->blocks) {
      CompiledResnetBlock compiled{{}, {}, {}, ActivationBuffer(1, 1, 1)};
      int64_t through = size;
      for (size_t i = 0; i < block->convs.size(); ++i) {
        const bool last = i + 1 == block->convs.size();
        compiled.convs.emplace_back();
        for (int s = 0; s < c.stripes; ++s)
          compiled.convs.back().push_back(fold(block->convs[i], block->norms[i], s, through,
                                               last ? zoo::Activation::none : zoo::Activation::relu, format,
                                               device));
        through = shrink(through, block->convs[i]->stride);
        if (!last) compiled.inner.emplace_back(block->convs[i]->out, through, c.stripes, device);
      }
      if (block->downsample)
        for (int s = 0; s < c.stripes; ++s)
          compiled.downsample.push_back(fold(block->downsample, block->downsample_norm, s, size,
                                             zoo::Activation::none, format, device));
      size = through;
      compiled.out = ActivationBuffer(block->convs.back()->out, size, c.stripes, device);
      blocks_.push_back(std::move(compiled));
    }
    for (const auto& head : net->heads) {
      head_weight_.push_back(device.put(head->weight.detach().clone()));
      head_bias_.push_back(device.put(head->bias.detach().clone()));
    }
    scores_.resize(static_cast<size_t>(c.stripes));
    pooled_ = torch::empty({net->heads.back()->options.in_features()}, device.floats());
  }

  int stages() const override { return config_.stripes; }
  int blocks(int) const override { return static_cast<int>(blocks_.size()) + 2; }

  void set_input(const NetworkInput& input) override {
    const Image& image = input_of_kind<Image>(input, "images");
    c10::InferenceMode inference;
    input_.set(
        torch::tensor(image.chw).view({1, image.channels, image.height, image.width}).contiguous(format_));
  }

  void run_block(int stage, int block) override {
    c10::InferenceMode inference;
    const size_t s = static_cast<size_t>(stage);
    if (block == 0) {
      Tensor y = stem_[s](stage == 0 ? input_.fetch() : input_.get());
      if (config_.stem_pool) y = at::max_pool2d(y, 3, 2, 1);
      pooled_stem_.set(stage, y);
    } else if (block <= static_cast<int>(blocks_.size())) {
      CompiledResnetBlock& b = blocks_[static_cast<size_t>(block - 1)];
      const ActivationBuffer& in = block == 1 ? pooled_stem_ : blocks_[static_cast<size_t>(block - 2)].out;
      b.inner[0].set(stage, b.convs[0][s](in.upto(stage)));
      for (size_t i = 1; i + 1 < b.convs.size(); ++i)
        b.inner[i].set(stage, b.convs[i][s](b.inner[i - 1].upto(stage)));
      const Tensor shortcut = b.downsample.empty() ? in.only(stage) : b.downsample[s](in.upto(stage));
      b.out.set(stage, b.convs.back()[s].plus(b.inner.back().upto(stage), shortcut, zoo::Activation::relu));
    } else {
      const Tensor features = blocks_.back().out.only(stage);
      const int64_t rows = features.size(1);
      pooled_.narrow(0, rows * stage, rows).copy_(features.mean({2, 3}).view({-1}));
      scores_[s] = at::addmv(head_bias_[s], head_weight_[s], pooled_.narrow(0, 0, rows * (stage + 1)));
    }
  }

  std::vector<float> scores(int stage) const override {
    const Tensor t = scores_[static_cast<size_t>(stage)].cpu().contiguous();
    return std::vector<float>(t.data_ptr<float>(), t.data_ptr<float>() + t.numel());
  }

  std::optional<bool> prepacked() const override {
    std::optional<bool> all;
    for (const PrepackedConv& conv : stem_) note_prepacked(all, conv);
    for (const CompiledResnetBlock& block : blocks_) {
      for (const auto& layer : block.convs)
        for (const PrepackedConv& conv : layer) note_prepacked(all, conv);
      for (const PrepackedConv& conv : block.downsample) note_prepacked(all, conv);
    }
    return all;
  }

 private:
  ResnetConfig config_;
  at::MemoryFormat format_;
  std::vector<PrepackedConv> stem_;
  ActivationBuffer pooled_stem_;
  std::vector<CompiledResnetBlock> blocks_;
  std::vector<Tensor> head_weight_, head_bias_;
  InputTensor input_;
  Tensor pooled_;
  std::vector<Tensor> scores_;
};

}  // namespace

std::unique_ptr<StagedModel> compile(const StripedResnet& net, const ComputeDevice& device) {
  if (runs_directly(net->config, device)) return compile_directly(net);
  return std::make_unique<CompiledResnet>(net, device);
}

}  // namespace alertbench
