#include "models/whole_network.h"

#include <fmt/format.h>

#include "base/error.h"
#include "models/device_model.h"

namespace alertbench {
namespace {

class WholeNetwork : public StagedModel {
 public:
  WholeNetwork(WholeForward forward, const NetworkSpec& spec, const ComputeDevice& device)
      : forward_(std::move(forward)), spec_(spec), input_(device) {}

  int stages() const override { return 1; }
  int blocks(int) const override { return 1; }

  void set_input(const NetworkInput& input) override {
    const Image& image = input_of_kind<Image>(input, "images");
    c10::InferenceMode inference;
    input_.set(at::tensor(image.chw).view({1, image.channels, image.height, image.width}));
  }

  void run_block(int, int) override {
    c10::InferenceMode inference;
    try {
      output_ = forward_(input_.fetch());
    } catch (const Error&) {
      throw;
    } catch (const std::exception& e) {  // c10::Error, or what an interpreter makes of it
      if (const auto failure = machine_failure(spec_.name, e.what())) throw *failure;
      throw InputError(fmt::format("{}it does not accept a 1x{}x{}x{} float image: {}",
                                   file_and_network(spec_), spec_.input.channels, spec_.input.height,
                                   spec_.input.width, line_with_reason(e.what())));
    }
  }

  std::vector<float> scores(int) const override {
    const at::Tensor flat = output_.to(at::kCPU, at::kFloat).contiguous().view({-1});
    return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }

 private:
  WholeForward forward_;
  NetworkSpec spec_;
  InputTensor input_;
  at::Tensor output_;
};

}  // namespace

std::unique_ptr<StagedModel> whole_network(WholeForward forward, const NetworkSpec& spec,
                                           const ComputeDevice& device) {
  return std::make_unique<WholeNetwork>(std::move(forward), spec, device);
}

std::string file_and_network(const NetworkSpec& spec) {
  return fmt::format("{}: network \"{}\": ", spec.weights, spec.name);
}

std::string behind_last(const std::string& text, const std::string& mark) {
  const size_t at = text.rfind(mark);
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string line_with_reason(const std::string& message) {
  constexpr size_t longest = 300;
  std::string line =
      behind_last(message, "RuntimeError: ");  // of the interpreter, behind a trace of the code
  if (line.empty()) line = message.substr(0, message.find('\n'));
  return line.substr(0, longest);
}

}  // namespace alertbench
