#include <algorithm>

#include "power/registry.h"

namespace alertbench {
namespace {

class EmulatedCap : public CapSetter {
 public:
  explicit EmulatedCap(const PowerModel& model) : model_(model) {}
  std::string backend() const override { return "emulated"; }
  void set(double cap_w) override { speed_ = model_.speed(cap_w); }
  double emulated_speed() const override { return speed_; }
  void restore() override { speed_ = 1.0; }

 private:
  PowerModel model_;
  double speed_ = 1.0;
};

class NoCap : public CapSetter {
 public:
  explicit NoCap(const std::string& backend) : backend_(backend) {}
  std::string backend() const override { return backend_; }
  void set(double) override {}
  void restore() override {}

 private:
  std::string backend_;
};

class ModelMeter : public EnergyMeter {
 public:
  explicit ModelMeter(const Profile& profile) : profile_(profile) {}
  std::string source() const override { return "model"; }
  double refresh_interval_s() const override { return 0; }
  void begin_period() override {}
  PeriodEnergy end_period(int model, int cap, double busy_s, double period_s) override {
    return {profile_.period_energy_j(model, cap, busy_s, std::max(period_s, busy_s)),
            profile_.active_power_of(model, cap), profile_.idle_power_w};
  }

 private:
  const Profile& profile_;
};

}  // namespace

std::unique_ptr<CapSetter> make_emulated_cap(const PowerModel& model) {
  return std::make_unique<EmulatedCap>(model);
}
std::unique_ptr<CapSetter> make_no_cap(const std::string& backend) {
  return std::make_unique<NoCap>(backend);
}
std::unique_ptr<EnergyMeter> make_model_meter(const Profile& profile) {
  return std::make_unique<ModelMeter>(profile);
}

PowerBackendEntry emulated_backend() {
  PowerBackendEntry entry;
  entry.name = "emulated";
  entry.summary = "a cap that idles within the inference; energy from the scenario's power model";
  entry.open = [](const PowerRequest& request, Clock&) {
    PowerBackend power;
    power.caps = make_emulated_cap(request.model);
    return power;
  };
  return entry;
}

PowerBackendEntry none_backend() {
  PowerBackendEntry entry;
  entry.name = "none";
  entry.summary = "one cap, which means uncapped; energy from the scenario's power model";
  entry.single_cap = true;
  entry.open = [](const PowerRequest&, Clock&) {
    PowerBackend power;
    power.caps = make_no_cap();
    return power;
  };
  return entry;
}

}  // namespace alertbench
