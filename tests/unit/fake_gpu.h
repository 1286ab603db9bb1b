// Made-up GPUs for tests/stand_ins/fake_nvml.cpp, and the machine that they are in.
#pragma once

#include <cstdlib>
#include <string>

#include "power/nvml/nvml.h"
#include "support.h"

struct FakeGpus {
  static constexpr const char* library = ALERT_FAKE_NVML_LIBRARY;

  explicit FakeGpus(int count = 1) {
    setenv("ALERT_FAKE_NVML", (folder / "nvml").c_str(), 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
    put(folder / "machine/dev/nvidiactl", "");
    std::filesystem::create_directories(folder / "nvml/errors");
    for (int n = 0; n < count; ++n) {
      set("name", "Fake A100", n);
      set("uuid", uuid(n), n);
      set("pci_bus_id", "0000:3" + std::to_string(n) + ":00.0", n);
      for (const auto& [name, value] : {std::pair{"limit_mw", 380'000},
                                        {"low_mw", 100'000},
                                        {"high_mw", 400'000},
                                        {"default_mw", 380'000},
                                        {"power_mw", 300'000},
                                        {"energy_mj", 5'000'000},
                                        {"energy_at_ns", 0},
                                        {"clock_mhz", 1410}})
        set(name, std::to_string(value), n);
      set("clocks_mhz", "210 600 900 1200 1395 1410", n);
    }
  }
  ~FakeGpus() { unsetenv("ALERT_FAKE_NVML"); }

  std::string root() const { return folder / "machine"; }
  std::string state_file() const { return folder / "machine/run/alert-bench/power-caps.json"; }
  static std::string uuid(int n = 0) {
    return "GPU-0000000" + std::to_string(n) + "-1111-2222-3333-444444444444";
  }
  std::string file(const std::string& name, int n = 0) const {
    return folder / ("nvml/gpu" + std::to_string(n) + "/" + name);
  }
  void set(const std::string& name, const std::string& content, int n = 0) const {
    put(file(name, n), content + "\n");
  }
  void remove(const std::string& name, int n = 0) const { std::filesystem::remove(file(name, n)); }
  bool has(const std::string& name) const { return std::filesystem::exists(file(name)); }
  std::string get(const std::string& name) const {
    const std::string text = content_of(file(name));
    return text.substr(0, text.find('\n'));
  }
  void fail(const std::string& function, int code) const {
    put(folder / ("nvml/errors/" + function), std::to_string(code));
  }
  void work_again(const std::string& function) const {
    std::filesystem::remove(folder / ("nvml/errors/" + function));
  }
  bool as_found() const { return get("limit_mw") == "380000" && !has("lock_mhz"); }

  alertbench::NvmlCapSettings settings(std::vector<double> caps_w = {150, 250, 400}) const {
    alertbench::NvmlCapSettings s;
    s.root = root();
    s.library = library;
    s.caps_w = std::move(caps_w);
    return s;
  }
  // Of a GPU whose limit cannot be set.
  alertbench::NvmlCapSettings clock_settings() const {
    fail("nvmlDeviceSetPowerManagementLimit", 3);
    alertbench::NvmlCapSettings s = settings();
    s.frequencies = alertbench::FrequencyTable({{120, 600}, {250, 1000}, {400, 2000}}, "table");
    return s;
  }

  Folder folder;
};

// Time that a fake GPU goes by as well.
class GpuClock : public alertbench::Clock {
 public:
  explicit GpuClock(const FakeGpus& gpus) : path_(gpus.folder / "nvml/now_ns") { tell(); }
  double now_s() override { return time_s_; }
  double processor_s() override { return time_s_; }
  void sleep_until(double t) override {
    if (t <= time_s_) return;
    time_s_ = t;
    tell();
  }
  void advance(double s) { sleep_until(time_s_ + s); }

 private:
  void tell() const { put(path_, std::to_string(static_cast<int64_t>(time_s_ * 1e9))); }

  std::string path_;
  double time_s_ = 10;
};
