#include "models/torchscript_model.h"

#include <fmt/format.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/script.h>
#include <torch/version.h>

#include <fstream>

#include "base/console.h"
#include "base/error.h"
#include "base/text_file.h"
#include "models/device_model.h"
#include "models/torchscript_check.h"
#include "models/whole_network.h"

namespace alertbench {
namespace {

// Why a file cannot be loaded or run, and what helps, out of LibTorch's own words.
std::string reason_of(const std::string& message) {
  const auto has = [&](const char* part) { return message.find(part) != std::string::npos; };
  const std::string version =
      fmt::format("this LibTorch ({}.{}.{})", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH);
  std::string unknown = behind_last(message, "Unknown builtin op: ");
  if (!unknown.empty() && unknown.back() == '.') unknown.pop_back();
  if (!unknown.empty())
    return fmt::format(
        "needs an operator that {} does not have: {}; save it with a PyTorch of this version, and without "
        "operators of other "
        "packages (torchvision), or build with a later LibTorch",
        version, unknown);
  if (has("required keyword attribute") || has("optimize_for_inference") || has("_MKLDNN") ||
      has("mkldnn_prepacked"))
    return "cannot be loaded as TorchScript: code made by torch.jit.optimize_for_inference cannot be "
           "loaded (" +
           line_with_reason(message) + "); save it without optimize_for_inference";
  if (has("maximum supported version"))
    return fmt::format(
        "is written in a later format than {} supports; save it with a PyTorch of this version, or build "
        "with a "
        "later LibTorch",
        version);
  if (has("CUDA") && (has("Could not run") || has("NVIDIA driver") || has("not linked") ||
                      has("not compiled") || has("cannot initialize")))
    return "was made for a GPU, and its code refers to it; trace it on the processor "
           "(`torch.jit.trace(model.cpu().eval(), ...)`) and save it "
           "again: " +
           line_with_reason(message);
  if (has("constants.pkl") && has("not found"))
    return "cannot be loaded as TorchScript: a PyTorch file without code (a state dictionary?); save it with "
           "`torch.jit.script(model).save(path)`";
  return "cannot be loaded as TorchScript (truncated, missing, or another format): " +
         line_with_reason(message);
}

// A constant of the graph that is true.
bool is_true(const torch::jit::Value* value) {
  const auto constant = torch::jit::toIValue(value);
  return constant && constant->isBool() && constant->toBool();
}

// Operators that were frozen in training mode, which eval() cannot reach: their number.
int trained_operators(const torch::jit::Block* block) {
  int count = 0;
  for (const torch::jit::Node* node : block->nodes()) {
    const std::string name = node->kind().toQualString();
    const bool dropout =
        name.find("dropout") != std::string::npos && node->inputs().size() >= 3 && is_true(node->input(2));
    const bool norm =
        name == "aten::batch_norm" && node->inputs().size() > 5 && is_true(node->input(5)) &&
        node->input(3)->type()->kind() !=
            c10::TypeKind::NoneType;  // without statistics of its own it always takes the input's
    count += dropout || norm;
    for (const torch::jit::Block* inner : node->blocks()) count += trained_operators(inner);
  }
  return count;
}

// What a network prints would stand among the results, and could hold escape sequences.
void print_to_standard_error() {
  static const bool done = [] {
    torch::jit::setPrintHandler(
        [](const std::string& text) { say("network: {}", text.substr(0, text.find_last_not_of('\n') + 1)); });
    return true;
  }();
  static_cast<void>(done);
}

WholeForward forward_of(torch::jit::Module module, const std::string& where) {
  return [module = std::move(module), where](const at::Tensor& image) mutable {
    const c10::IValue output = module.forward({image});
    if (!output.isTensor()) throw InputError(where + "its output is not a tensor of scores");
    return output.toTensor();
  };
}

}  // namespace

std::unique_ptr<StagedModel> load_torchscript(const NetworkSpec& spec, const ComputeDevice& device,
                                              std::vector<std::string>* warnings) {
  const std::string where = file_and_network(spec);
  open_to_read(spec.weights);  // a regular file
  print_to_standard_error();
  try {
    std::ifstream file(spec.weights, std::ios::binary);
    check_torchscript(file, where);
    torch::jit::Module module = torch::jit::load(spec.weights, device.device());
    module.eval();
    module = torch::jit::freeze(module);
    if (const int count = trained_operators(module.get_method("forward").graph()->block());
        count > 0 && warnings)
      warnings->push_back(fmt::format(
          "network \"{}\": {} operators (dropout, batch norm) of {} are permanently in "
          "training mode, which makes its answers wrong; call `model.eval()` before `torch.jit.trace`",
          spec.name, count, spec.weights));
    return whole_network(forward_of(module, where), spec, device);
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& e) {
    if (const auto failure = machine_failure(spec.name, e.what_without_backtrace())) throw *failure;
    throw InputError(where + reason_of(e.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&
               e) {  // of the compiler: torch::jit::ErrorReport, std::runtime_error, std::out_of_range
    throw InputError(where + reason_of(e.what()));
  }
}

}  // namespace alertbench
