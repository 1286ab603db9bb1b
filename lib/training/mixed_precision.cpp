#include "training/mixed_precision.h"

#include <ATen/autocast_mode.h>

#include "base/error.h"

namespace alertbench {
namespace {

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
void set_autocast(bool on) {
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, on);
}
#else
void set_autocast(bool on) {
  at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  at::autocast::set_cpu_enabled(on);
}
#endif

}  // namespace

Precision precision_of(const std::string& name) {
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  throw InputError("precision \"" + name + "\": use float32 or bfloat16");
}

MixedPrecision::MixedPrecision(Precision precision) : on_(precision == Precision::bfloat16) {
  if (on_) set_autocast(true);
}

MixedPrecision::~MixedPrecision() {
  if (!on_) return;
  set_autocast(false);
  at::autocast::clear_cache();  // of the weights as they are now
}

RoundedProducts::RoundedProducts(Precision precision) : on_(precision == Precision::bfloat16) {
  if (!on_) return;
  if (TORCH_VERSION_MAJOR < 2)
    throw InputError(
        "--precision bfloat16: for language models it needs LibTorch 2 or later; this is " TORCH_VERSION);
  at::globalContext().setFloat32MatmulPrecision("medium");
}

RoundedProducts::~RoundedProducts() {
  if (on_) at::globalContext().setFloat32MatmulPrecision("highest");
}

std::vector<torch::Tensor> as_floats(std::vector<torch::Tensor> scores) {
  for (torch::Tensor& s : scores) s = s.to(at::kFloat);
  return scores;
}

}  // namespace alertbench
