#include "models/device_model.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

namespace alertbench {
namespace {

constexpr const char* fewer_networks =
    "all candidates are loaded at the same time: omit large ones (--set candidates=[...])";

std::string line_at(const std::string& text, size_t place) {
  const size_t begin = text.rfind('\n', place) + 1;  // 0 if there is none
  return text.substr(begin, text.find('\n', place) - begin);
}

class GuardedModel : public StagedModel {
 public:
  GuardedModel(std::unique_ptr<StagedModel> network, const std::string& name, at::Device device)
      : network_(std::move(network)), name_(name), device_(device) {}

  int stages() const override { return network_->stages(); }
  int blocks(int stage) const override { return network_->blocks(stage); }
  void set_input(const NetworkInput& input) override {
    guarded([&] { network_->set_input(input); });
  }
  void run_block(int stage, int block) override {
    guarded([&] { network_->run_block(stage, block); });
  }
  std::vector<float> scores(int stage) const override {
    return guarded([&] { return network_->scores(stage); });
  }
  std::optional<bool> prepacked() const override { return network_->prepacked(); }

 protected:
  template <class Action>
  auto guarded(const Action& action) const -> decltype(action()) {
    return named_failures(device_, name_, action);
  }

  std::unique_ptr<StagedModel> network_;
  std::string name_;
  at::Device device_;
};

class DeviceModel : public GuardedModel {
 public:
  DeviceModel(std::unique_ptr<StagedModel> network, const std::string& name, at::Device device,
              const std::optional<CudaRuntime>& runtime, bool may_be_stopped)
      : GuardedModel(std::move(network), name, device),
        guard_(device.type()),
        waits_for_blocks_(may_be_stopped || network_->stages() > 1) {
    if (runtime) timer_ = std::make_unique<DeviceTimer>(*runtime, network_->stages());
  }

  void set_input(const NetworkInput& input) override {
    guarded([&] {
      if (under_way_) wait();
      under_way_ = true;
      network_->set_input(input);  // which may compute as well
      wait();
    });
  }

  void run_block(int stage, int block) override {
    guarded([&] {
      if (stage == 0 && block == 0) begin();
      under_way_ = true;
      network_->run_block(stage, block);
      const bool stage_done = block + 1 == network_->blocks(stage);
      if (stage_done && timer_) timer_->end_stage(stage);
      if (stage_done || waits_for_blocks_) wait();
    });
  }

  bool blocks_done_at_return() const override { return waits_for_blocks_; }
  std::optional<double> device_time_s(int stage) const override {
    return timer_ ? timer_->time_s(stage) : std::nullopt;
  }

 private:
  void begin() {
    if (under_way_) wait();
    if (timer_) timer_->start();
  }

  void wait() {
    guard_.synchronizeStream(guard_.getStream(device_));
    under_way_ = false;
  }

  c10::impl::VirtualGuardImpl guard_;
  bool waits_for_blocks_;
  bool under_way_ = false;  // something may be that was not waited for
  std::unique_ptr<DeviceTimer> timer_;
};

}  // namespace

std::unique_ptr<StagedModel> on_processor(std::unique_ptr<StagedModel> network, const std::string& name) {
  return std::make_unique<GuardedModel>(std::move(network), name, at::kCPU);
}

std::unique_ptr<StagedModel> on_device(std::unique_ptr<StagedModel> network, const std::string& name,
                                       at::Device device, const std::optional<CudaRuntime>& runtime,
                                       bool may_be_stopped) {
  return std::make_unique<DeviceModel>(std::move(network), name, device, runtime, may_be_stopped);
}

std::optional<RunError> machine_failure(const std::string& network, const std::string& message) {
  const auto line_with = [&message](const char* part) {
    const size_t place = message.find(part);
    return place == std::string::npos ? std::string() : line_at(message, place);
  };
  if (const std::string line = line_with("out of memory"); !line.empty())
    return RunError(fmt::format(
        "network \"{}\": the GPU's memory is full: {}; {}, or end other processes that use the GPU "
        "(`nvidia-smi` lists it)",
        network, line, fewer_networks));
  if (const std::string line = line_with("can't allocate memory"); !line.empty())
    return out_of_memory(network, line);
  for (const char* part : {"CUDA error", "cuDNN error", "CUDNN_STATUS_", "CUBLAS_STATUS_"})
    if (const std::string line = line_with(part); !line.empty())
      return RunError(fmt::format(
          "network \"{}\": the GPU failed: {}; see the kernel log (`dmesg`, lines with Xid)", network, line));
  return {};
}

RunError out_of_memory(const std::string& network, const std::string& what) {
  return RunError(fmt::format("network \"{}\": out of memory{}{}; {}", network, what.empty() ? "" : ": ",
                              what, fewer_networks));
}

RunError failure_on(at::Device device, const std::string& network, const c10::Error& error) {
  const std::string what = error.what_without_backtrace();
  return machine_failure(network, what)
      .value_or(RunError(fmt::format("network \"{}\" failed on {}: {}", network, device.str(), what)));
}

}  // namespace alertbench
