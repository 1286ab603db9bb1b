#include "models/direct_resnet.h"

#include <fmt/format.h>

#include "models/direct_conv.h"

namespace alertbench {
namespace {

std::vector<float> numbers_of(const at::Tensor& t) {
  const at::Tensor flat = t.detach().contiguous().view({-1});
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

// One convolution for each stripe.
std::vector<DirectConv> direct_convs(const StripedConv& conv, const torch::nn::BatchNorm2d& norm) {
  std::vector<DirectConv> all;
  for (int s = 0; s < conv->stripes; ++s) {
    const FoldedStripe folded = fold_stripe(conv, norm, s);
    all.emplace_back(numbers_of(folded.weight).data(), numbers_of(folded.bias).data(),
                     DirectConvShape{conv->inputs_of(s), conv->out / conv->stripes, conv->kernel,
                                     conv->stride, conv->shared_input});
  }
  return all;
}

struct DirectBlock {
  std::vector<std::vector<DirectConv>> convs;  // [layer][stripe]
  std::vector<DirectConv> downsample;          // [stripe], empty if the input is added as it is
  std::vector<BlockedLayer> layers;            // behind each convolution
  std::vector<BlockedLayer> shortcut;          // behind the downsampling
};

struct DirectHead {
  std::vector<float> weight;  // [pooled channels][classes]
  std::vector<float> bias;
};

class DirectResnet : public StagedModel {
 public:
  explicit DirectResnet(const StripedResnet& net)
      : config_(net->config),
        image_(config_.in_channels, config_.input_size, config_.stem_kernel / 2),
        stem_(direct_convs(net->stem, net->stem_norm)) {
    const auto shrink = [](int64_t size, int stride) { return (size + stride - 1) / stride; };
    int64_t size = shrink(config_.input_size, config_.stem_stride);
    stem_layers_.emplace_back(config_.stem_width, size);
    if (config_.stem_pool) stem_layers_.emplace_back(config_.stem_width, size = shrink(size, 2));
    for (const auto& block : net->blocks) {
      DirectBlock direct;
      for (size_t i = 0; i < block->convs.size(); ++i) {
        direct.convs.push_back(direct_convs(block->convs[i], block->norms[i]));
        size = shrink(size, block->convs[i]->stride);
        direct.layers.emplace_back(block->convs[i]->out, size);
      }
      if (block->downsample) {
        direct.downsample = direct_convs(block->downsample, block->downsample_norm);
        direct.shortcut.emplace_back(block->downsample->out, size);
      }
      blocks_.push_back(std::move(direct));
    }
    for (const auto& head : net->heads)
      heads_.push_back({numbers_of(head->weight.t()), numbers_of(head->bias)});
    pooled_.resize(static_cast<size_t>(blocks_.back().layers.back().channels()));
    scores_.resize(heads_.size());
  }

  int stages() const override { return config_.stripes; }
  int blocks(int) const override { return static_cast<int>(blocks_.size()) + 2; }
  std::optional<bool> prepacked() const override { return true; }

  void set_input(const NetworkInput& input) override {
    const Image& image = input_of_kind<Image>(input, "images");
    if (image.channels != config_.in_channels || image.height != config_.input_size ||
        image.width != config_.input_size)
      throw InputError(fmt::format("this network reads images of {}x{}x{}, not of {}x{}x{}",
                                   config_.in_channels, config_.input_size, config_.input_size,
                                   image.channels, image.height, image.width));
    image_.set(image.chw.data());
  }

  void run_block(int stage, int block) override {
    if (block == 0)
      run_stem(stage);
    else if (const auto index = static_cast<size_t>(block) - 1; index < blocks_.size())
      run_residual(stage, index);
    else
      run_head(stage);
  }

  std::vector<float> scores(int stage) const override { return scores_[static_cast<size_t>(stage)]; }

 private:
  // Of the stripe that a stage adds to a layer.
  int64_t rows(const BlockedLayer& layer) const { return layer.channels() / config_.stripes; }
  int64_t first(const BlockedLayer& layer, int stage) const { return rows(layer) * stage; }

  void run_stem(int stage) {
    BlockedLayer& out = stem_layers_[0];
    stem_[static_cast<size_t>(stage)].run(image_, out, first(out, stage), true);
    if (config_.stem_pool) pool_blocked(out, stem_layers_[1], first(out, stage), rows(out));
  }

  void run_residual(int stage, size_t index) {
    const auto s = static_cast<size_t>(stage);
    DirectBlock& block = blocks_[index];
    const BlockedLayer& x = index == 0 ? stem_layers_.back() : blocks_[index - 1].layers.back();
    const BlockedLayer* shortcut = &x;
    if (!block.downsample.empty()) {
      BlockedLayer& to = block.shortcut[0];
      block.downsample[s].run(x, to, first(to, stage), nullptr, false);
      shortcut = &to;
    }
    const BlockedLayer* from = &x;
    for (size_t i = 0; i < block.convs.size(); ++i) {
      BlockedLayer& to = block.layers[i];
      const bool last = i + 1 == block.convs.size();
      block.convs[i][s].run(*from, to, first(to, stage), last ? shortcut : nullptr, true);
      from = &to;
    }
  }

  void run_head(int stage) {
    const BlockedLayer& features = blocks_.back().layers.back();
    const int64_t begin = first(features, stage), end = begin + rows(features);
    mean_of_blocked(features, begin, end - begin, pooled_.data() + begin);
    const DirectHead& head = heads_[static_cast<size_t>(stage)];
    std::vector<float>& scores = scores_[static_cast<size_t>(stage)];
    scores = head.bias;
    const float* weight = head.weight.data();
    for (int64_t n = 0; n < end; ++n)
      for (float& score : scores) score += pooled_[static_cast<size_t>(n)] * *weight++;
  }

  ResnetConfig config_;
  PlainLayer image_;
  std::vector<DirectConv> stem_;
  std::vector<BlockedLayer> stem_layers_;  // behind the convolution, and behind the pooling
  std::vector<DirectBlock> blocks_;
  std::vector<DirectHead> heads_;
  std::vector<float> pooled_;
  std::vector<std::vector<float>> scores_;
};

}  // namespace

bool runs_directly(const ResnetConfig& c, const ComputeDevice& device) {
  constexpr int largest_side = 64;
  const auto fits = [&c](int width) { return width % (BlockedLayer::lanes * c.stripes) == 0; };
  bool all = fits(c.stem_width);
  for (const ResnetGroup& group : c.groups) all = all && fits(group.width);
  return all && (c.stripes > 1 || c.input_size <= largest_side) && !device.portable() &&
         at::get_num_threads() == 1 && DirectConv::possible();
}

std::unique_ptr<StagedModel> compile_directly(const StripedResnet& net) {
  at::NoGradGuard no_grad;
  return std::make_unique<DirectResnet>(net);
}

}  // namespace alertbench
