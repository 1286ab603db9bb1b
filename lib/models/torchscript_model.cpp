#include "models/torchscript_model.h"

#include <fmt/format.h>
#include <torch/script.h>

#include "core/error.h"
#include "models/device_model.h"

namespace alertbench {
namespace {

// The interpreter's messages are long; the reason stands at their end.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

class TorchscriptModel : public StagedModel {
 public:
  TorchscriptModel(torch::jit::Module module, const NetworkSpec& spec, const ComputeDevice& device)
      : module_(std::move(module)), spec_(spec), input_(device) {}

  int stages() const override { return 1; }
  int blocks(int) const override { return 1; }

  void set_input(const NetworkInput& input) override {
    const Image& image = input_of_kind<Image>(input, "images");
    c10::InferenceMode inference;
    input_.set(torch::tensor(image.chw).view({1, image.channels, image.height, image.width}));
  }

  void run_block(int, int) override {
    c10::InferenceMode inference;
    c10::IValue output;
    try {
      output = module_.forward({input_.fetch()});
    } catch (const std::exception& e) {  // c10::Error, or what the interpreter makes of it
      if (const auto failure = machine_failure(spec_.name, e.what())) throw *failure;
      throw InputError(fmt::format("{}it does not take a 1x{}x{}x{} float image: {}", where(), spec_.input.channels,
                                   spec_.input.height, spec_.input.width, last_line(e.what())));
    }
    if (!output.isTensor()) throw InputError(where() + "its output is no tensor of scores");
    output_ = output.toTensor();
  }

  std::vector<float> scores(int) const override {
    const torch::Tensor flat = output_.to(torch::kCPU, torch::kFloat).contiguous().view({-1});
    return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }

 private:
  std::string where() const { return fmt::format("{}: network \"{}\": ", spec_.weights, spec_.name); }

  torch::jit::Module module_;
  NetworkSpec spec_;
  InputTensor input_;
  torch::Tensor output_;
};

}  // namespace

std::unique_ptr<StagedModel> load_torchscript(const NetworkSpec& spec, const ComputeDevice& device) {
  try {
    torch::jit::Module module = torch::jit::load(spec.weights, device.device());
    module.eval();
    return std::make_unique<TorchscriptModel>(torch::jit::freeze(module), spec, device);
  } catch (const c10::Error& e) {
    if (const auto failure = machine_failure(spec.name, e.what_without_backtrace())) throw *failure;
    throw InputError(fmt::format("{}: network \"{}\": cannot be loaded as TorchScript (torn, missing, or another format): {}",
                                 spec.weights, spec.name, e.what_without_backtrace()));
  }
}

}  // namespace alertbench
