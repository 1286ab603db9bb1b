#include "models/striped_resnet.h"

#include <fmt/format.h>
#include <torch/script.h>

#include <fstream>

#include "base/error.h"
#include "models/weights.h"

namespace alertbench {
namespace nn = torch::nn;

StripedConvImpl::StripedConvImpl(int in_, int out_, int kernel_, int stride_, int stripes_, bool shared)
    : in(in_), out(out_), kernel(kernel_), stride(stride_), stripes(stripes_), shared_input(shared) {
  weight = register_parameter("weight", torch::empty({out, in, kernel, kernel}));
  torch::NoGradGuard no_grad;
  const int rows = out / stripes;
  // He initialisation with the fan-in that a stripe really has.
  for (int s = 0; s < stripes; ++s) {
    const double sd = std::sqrt(2.0 / (inputs_of(s) * kernel * kernel));
    weight.narrow(0, s * rows, rows).normal_(0.0, sd);
  }
  if (stripes > 1 && !shared_input) {
    mask = torch::zeros({out, in, 1, 1});
    for (int s = 0; s < stripes; ++s) mask.narrow(0, s * rows, rows).narrow(1, 0, inputs_of(s)).fill_(1.0);
    weight.mul_(mask);
  }
}

torch::Tensor StripedConvImpl::forward(const torch::Tensor& x) {
  return at::conv2d(x, mask.defined() ? weight * mask : weight, {}, stride, kernel / 2);
}

FoldedStripe fold_stripe(const StripedConv& conv, const nn::BatchNorm2d& norm, int stripe) {
  const int64_t rows = conv->out / conv->stripes, first = rows * stripe;
  const auto part = [&](const torch::Tensor& t) { return t.detach().narrow(0, first, rows); };
  const torch::Tensor gain = part(norm->weight) / torch::sqrt(part(norm->running_var) + norm->options.eps());
  return {part(conv->weight).narrow(1, 0, conv->inputs_of(stripe)) * gain.view({-1, 1, 1, 1}),
          part(norm->bias) - part(norm->running_mean) * gain};
}

ResidualBlockImpl::ResidualBlockImpl(int in, int width, int out, int stride, int stripes, bool bottleneck) {
  const auto add = [&](int from, int to, int kernel, int step) {
    convs.push_back(StripedConv(from, to, kernel, step, stripes, false));
    norms.push_back(nn::BatchNorm2d(to));
    register_module(fmt::format("conv{}", convs.size()), convs.back());
    register_module(fmt::format("bn{}", norms.size()), norms.back());
  };
  if (bottleneck) {
    add(in, width, 1, 1);
    add(width, width, 3, stride);
    add(width, out, 1, 1);
  } else {
    add(in, width, 3, stride);
    add(width, out, 3, 1);
  }
  // A block starts as the identity: deep networks train from the first step (Goyal et al., 2017).
  nn::init::zeros_(norms.back()->weight);
  if (stride != 1 || in != out) {
    downsample = register_module("downsample", StripedConv(in, out, 1, stride, stripes, false));
    downsample_norm = register_module("downsample_bn", nn::BatchNorm2d(out));
  }
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = x;
  for (size_t i = 0; i < convs.size(); ++i) {
    y = norms[i](convs[i](y));
    if (i + 1 < convs.size()) y = torch::relu(y);
  }
  return torch::relu(y + (downsample ? downsample_norm(downsample(x)) : x));
}

StripedResnetImpl::StripedResnetImpl(const ResnetConfig& c) : config(c) {
  stem = register_module(
      "conv1", StripedConv(c.in_channels, c.stem_width, c.stem_kernel, c.stem_stride, c.stripes, true));
  stem_norm = register_module("bn1", nn::BatchNorm2d(c.stem_width));
  int channels = c.stem_width;
  for (size_t g = 0; g < c.groups.size(); ++g) {
    const ResnetGroup& group = c.groups[g];
    const int out = c.bottleneck ? 4 * group.width : group.width;
    for (int b = 0; b < group.blocks; ++b) {
      blocks.push_back(
          ResidualBlock(channels, group.width, out, b == 0 ? group.stride : 1, c.stripes, c.bottleneck));
      register_module(fmt::format("layer{}_{}", g + 1, b), blocks.back());
      channels = out;
    }
  }
  for (int s = 0; s < c.stripes; ++s) {
    heads.push_back(nn::Linear(channels / c.stripes * (s + 1), c.classes));
    register_module(fmt::format("fc{}", s + 1), heads.back());
  }
}

std::vector<torch::Tensor> StripedResnetImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = torch::relu(stem_norm(stem(x)));
  if (config.stem_pool) y = at::max_pool2d(y, 3, 2, 1);
  for (auto& block : blocks) y = block(y);
  y = y.mean({2, 3});
  std::vector<torch::Tensor> logits;
  for (auto& head : heads) logits.push_back(head(y.narrow(1, 0, head->options.in_features())));
  return logits;
}

namespace {

// What a weights file holds, as views into the module. Of a striped convolution the part of each stripe,
// without the edges that do not exist.
std::vector<std::pair<std::string, torch::Tensor>> stored_tensors(const nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  const auto join = [](const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  };
  for (const auto& entry : module.named_modules()) {
    const auto* conv = dynamic_cast<const StripedConvImpl*>(entry.value().get());
    if (conv && conv->mask.defined()) {
      const int rows = conv->out / conv->stripes;
      for (int s = 0; s < conv->stripes; ++s)
        all.emplace_back(join(entry.key(), fmt::format("weight.stripe{}", s + 1)),
                         conv->weight.detach().narrow(0, s * rows, rows).narrow(1, 0, conv->inputs_of(s)));
      continue;
    }
    for (const auto& p : entry.value()->named_parameters(false))
      all.emplace_back(join(entry.key(), p.key()), p.value().detach());
    for (const auto& b : entry.value()->named_buffers(false))
      if (b.value().is_floating_point()) all.emplace_back(join(entry.key(), b.key()), b.value());
  }
  return all;
}

}  // namespace

void save_weights(const nn::Module& module, const std::string& path) {
  c10::Dict<std::string, torch::Tensor> dict;
  for (const auto& [name, tensor] : stored_tensors(module))
    dict.insert(name, tensor.to(torch::kHalf).contiguous());
  const std::vector<char> bytes = torch::pickle_save(dict);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw RunError(path + ": cannot write the weights (disk full, or no permission?)");
}

void load_weights(nn::Module& module, const std::string& path) {
  const auto tensors = stored_tensors(module);
  fill_weights(Weights(tensors.begin(), tensors.end()), path);
}

}  // namespace alertbench
