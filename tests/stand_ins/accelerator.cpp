#include "accelerator.h"

#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <torch/version.h>
#include <unistd.h>

#include <map>
#include <vector>

namespace accelerator {
namespace {

using at::Tensor;
using torch::jit::Stack;
#if TORCH_VERSION_MAJOR >= 2
using std::optional;
#else
using c10::optional;
#endif

constexpr c10::DeviceType type = c10::DeviceType::PrivateUse1;

// One piece of memory at two addresses: one that tensors have and nobody may touch, one for the kernels.
struct Memory {
  char* kernels;
  size_t bytes;
};
std::map<char*, Memory>& memory() {                // by the address that tensors have
  static auto* all = new std::map<char*, Memory>;  // outlives every tensor
  return *all;
}

void release(void* address) {
  const auto found = memory().find(static_cast<char*>(address));
  if (found == memory().end()) return;
  munmap(found->second.kernels, found->second.bytes);
  munmap(address, found->second.bytes);
  memory().erase(found);
}

at::DataPtr allocated(size_t bytes) {
  if (bytes == 0) return {nullptr, nullptr, &release, device};
  const int file = memfd_create("accelerator", 0);
  const bool sized = file >= 0 && ftruncate(file, static_cast<off_t>(bytes)) == 0;
  void* untouchable = mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, file, 0);
  void* kernels = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  TORCH_CHECK(sized && untouchable != MAP_FAILED && kernels != MAP_FAILED, "no memory for the made-up GPU");
  close(file);
  memory()[static_cast<char*>(untouchable)] = {static_cast<char*>(kernels), bytes};
  return {untouchable, untouchable, &release, device};
}

struct Allocator : at::Allocator {
#if TORCH_VERSION_MAJOR >= 2
  at::DataPtr allocate(size_t bytes) override { return allocated(bytes); }
  void copy_data(void*, const void*, size_t) const override {
    TORCH_CHECK(false, "nothing copies the memory of the made-up GPU behind its back");
  }
#else
  at::DataPtr allocate(size_t bytes) const override { return allocated(bytes); }
#endif
  at::DeleterFnPtr raw_deleter() const override { return &release; }
};

Allocator allocator;

// The same numbers for the processor's operators.
Tensor for_kernels(const Tensor& t) {
  if (!t.defined() || t.device().type() != type) return t;
  const auto options = t.options().device(at::kCPU);
  if (t.numel() == 0) return at::empty_strided(t.sizes(), t.strides(), options);
  char* address = static_cast<char*>(t.data_ptr());
  const auto [first, piece] = *std::prev(memory().upper_bound(address));
  return at::from_blob(piece.kernels + (address - first), t.sizes(), t.strides(), options);
}

Tensor to_accelerator(const Tensor& t) {
  Tensor result = at::empty_strided(t.sizes(), t.strides(), t.options().device(device));
  if (t.numel() > 0) for_kernels(result).copy_(t);
  return result;
}

void order(const std::string& name) {
  if (on_order()) on_order()(name);
  ++counts().under_way;
}

Tensor checked(const Tensor& t, const std::string& name) {
  TORCH_CHECK(!t.defined() || t.device().type() == type || t.dim() == 0, name,
              ": expected all tensors to be on the same device, but found one of [", t.sizes(), "] on ",
              t.device());
  return for_kernels(t);
}

// Every operator that has no kernel here.
void by_processor(const c10::OperatorHandle& op, Stack* stack) {
  const auto& schema = op.schema();
  const std::string name = schema.name();
  order(name);
  ++counts().operators;
  counts().host_reads += name == "aten::_local_scalar_dense";
  const size_t first = stack->size() - schema.arguments().size();
  std::map<std::string, Tensor> written;  // by the set of aliases, as the schema names it
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    c10::IValue& value = (*stack)[first + i];
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (value.isTensor()) {
      if (alias && alias->isWrite())
        written[alias->beforeSets().begin()->toUnqualString()] = value.toTensor();
      value = checked(value.toTensor(), name);
    } else if (value.isTensorList()) {
      std::vector<Tensor> all;
      for (const Tensor& t : value.toTensorVector()) all.push_back(checked(t, name));
      value = c10::List<Tensor>(all);
    } else if (value.isDevice()) {
      value = at::Device(at::kCPU);
    }
  }
  op.callBoxed(stack);
  const size_t results = stack->size() - schema.returns().size();
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    c10::IValue& value = (*stack)[results + i];
    const c10::AliasInfo* alias = schema.returns()[i].alias_info();
    if (!value.isTensor()) continue;
    value =
        alias ? written.at(alias->beforeSets().begin()->toUnqualString()) : to_accelerator(value.toTensor());
  }
}

// A copy from the host that may be under way, and what its source held when it was ordered.
struct Copy {
  Tensor source, held;
};
std::vector<Copy> copies;

Tensor copy_from(const Tensor& from, const Tensor& to, bool non_blocking) {
  order("copy");
  const bool from_host = from.is_cpu(), to_host = to.is_cpu();
  counts().to_device += from_host;
  counts().from_device += to_host;
  for_kernels(to).copy_(for_kernels(from));
  if (from_host && non_blocking) copies.push_back({from, from.clone()});
  return to;
}

Tensor empty(at::IntArrayRef size, optional<at::ScalarType> dtype, optional<at::Layout>, optional<at::Device>,
             optional<bool>, optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::kFloat), format);
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, optional<at::ScalarType> dtype,
                     optional<at::Layout>, optional<at::Device>, optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           dtype.value_or(at::kFloat));
}

Tensor convolution(const Tensor& x, const Tensor& weight, const optional<Tensor>& bias,
                   at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                   at::IntArrayRef output_padding, int64_t groups) {
  order("convolution");
  ++counts().operators;
  return to_accelerator(at::convolution(checked(x, "convolution"), checked(weight, "convolution"),
                                        checked(bias.value_or(Tensor()), "convolution"), stride, padding,
                                        dilation, transposed, output_padding, groups));
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = c10::DeviceType::PrivateUse1;
  c10::DeviceType type() const override { return static_type; }
  c10::Device exchangeDevice(c10::Device) const override { return device; }
  c10::Device getDevice() const override { return device; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device d) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, d);
  }
  c10::Stream exchangeStream(c10::Stream s) const noexcept override { return s; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void synchronizeStream(const c10::Stream&) const override {
    if (on_order()) on_order()("wait");
    ++counts().waits;
    counts().under_way = 0;
    for (const Copy& copy : copies) counts().spoilt += !at::equal(copy.source, copy.held);
    copies.clear();
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&by_processor>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("convolution_overrideable", convolution);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
}

}  // namespace

Counts& counts() {
  static Counts all;
  return all;
}

std::function<void(const std::string&)>& on_order() {
  static std::function<void(const std::string&)> action;
  return action;
}

}  // namespace accelerator
