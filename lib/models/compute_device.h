// Where a network's tensors lie, and how its input gets there.
#pragma once

#include <ATen/ATen.h>

namespace alertbench {

// The processor has ways of its own: oneDNN's prepacked operators, plain loops over numbers. Every other
// device, and the processor on request, takes the *portable* way: tensors are touched by LibTorch's operators
// alone, and lie in LibTorch's usual order of memory. Both give the same answers up to rounding.
class ComputeDevice {
 public:
  ComputeDevice() = default;  // the processor, its own way
  explicit ComputeDevice(at::Device device) : device_(device), portable_(!device.is_cpu()) {}
  static ComputeDevice portable_processor();  // for tests: what another device computes

  at::Device device() const { return device_; }
  bool portable() const { return portable_; }
  // For weights, when a network is loaded: the tensor itself on the processor, else a copy.
  at::Tensor put(const at::Tensor& t) const { return device_.is_cpu() ? t : t.to(device_); }
  at::TensorOptions floats() const { return at::TensorOptions(at::kFloat).device(device_); }

 private:
  at::Device device_ = at::kCPU;
  bool portable_ = false;
};

// What a network reads. Off the processor (and on the portable way) values go through one buffer on the host,
// page-locked for a GPU, and one on the device. Both are kept from input to input, and only ever grow.
class InputTensor {
 public:
  explicit InputTensor(const ComputeDevice& device) : device_(device) {}

  // Before the clock starts. `values` lie on the processor and are kept or copied. No fetch() may be under
  // way on the device.
  void set(const at::Tensor& values);
  // In the timed run, once: the device is told to copy, which need not have happened when this returns. The
  // processor copies nothing.
  const at::Tensor& fetch();
  // Of the same size and place from set() on, filled by fetch().
  const at::Tensor& get() const { return input_; }

 private:
  ComputeDevice device_;
  at::Tensor host_, input_;
  at::Tensor host_buffer_, device_buffer_;  // [capacity]
};

}  // namespace alertbench
