// Defines where a network's tensors are stored, and how its input gets there.
#pragma once

#include <ATen/ATen.h>

namespace alertbench {

// The processor has its own optimised code: oneDNN's prepacked operators, and plain loops over numbers. Every
// other device, and the processor on request, uses the *portable* code: only LibTorch's operators access
// tensors, which are stored in LibTorch's usual memory layout. Both give the same answers up to rounding.
class ComputeDevice {
 public:
  ComputeDevice() = default;  // the processor, with its optimised code
  explicit ComputeDevice(at::Device device) : device_(device), portable_(!device.is_cpu()) {}
  static ComputeDevice portable_processor();  // for tests: the processor with the code of other devices

  at::Device device() const { return device_; }
  bool portable() const { return portable_; }
  // For weights when a network is loaded. Returns the tensor itself on the processor, and a copy on other
  // devices.
  at::Tensor put(const at::Tensor& t) const { return device_.is_cpu() ? t : t.to(device_); }
  at::TensorOptions floats() const { return at::TensorOptions(at::kFloat).device(device_); }

 private:
  at::Device device_ = at::kCPU;
  bool portable_ = false;
};

// The input of a network. On other devices (and in the portable code) values go through one buffer on the
// host, page-locked for a GPU, and one on the device. Both are kept from input to input, and never shrink.
class InputTensor {
 public:
  explicit InputTensor(const ComputeDevice& device) : device_(device) {}

  // Call it before the clock starts. `values` must lie on the processor, and are kept or copied. No fetch()
  // may still be running on the device.
  void set(const at::Tensor& values);
  // Call it once in the timed run. It makes the device copy the values, which need not be complete when this
  // function returns. On the processor nothing is copied.
  const at::Tensor& fetch();
  // Returns the tensor, which has a fixed size and address from set() on, and is filled by fetch().
  const at::Tensor& get() const { return input_; }

 private:
  ComputeDevice device_;
  at::Tensor host_, input_;
  at::Tensor host_buffer_, device_buffer_;  // [capacity]
};

}  // namespace alertbench
