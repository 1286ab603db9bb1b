#include "models/compute_device.h"

namespace alertbench {

using at::Tensor;

ComputeDevice ComputeDevice::portable_processor() {
  ComputeDevice device;
  device.portable_ = true;
  return device;
}

void InputTensor::set(const Tensor& values) {
  if (!device_.portable()) {
    input_ = values;
    return;
  }
  const int64_t numbers = values.numel();
  if (!host_buffer_.defined() || host_buffer_.numel() < numbers ||
      host_buffer_.scalar_type() != values.scalar_type()) {
    const at::TensorOptions options(values.scalar_type());
    host_buffer_ = at::empty({numbers}, options.pinned_memory(device_.device().is_cuda()));
    device_buffer_ = at::empty({numbers}, options.device(device_.device()));
  }
  const auto part = [&values, numbers](const Tensor& buffer) {
    return buffer.narrow(0, 0, numbers).view(values.sizes());
  };
  host_ = part(host_buffer_);
  input_ = part(device_buffer_);
  host_.copy_(values);
}

const Tensor& InputTensor::fetch() {
  if (device_.portable()) input_.copy_(host_, /*non_blocking=*/true);
  return input_;
}

}  // namespace alertbench
