#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "power/power.h"

namespace alertbench {

using nlohmann::ordered_json;

ordered_json EnergyCounter::facts() const {
  const auto or_null = [](double v) { return v > 0 ? ordered_json(v) : ordered_json(); };
  ordered_json all = ordered_json::array();
  for (const EnergyDomain& d : domains())
    all.push_back({{"name", d.name},
                   {"resolution_j", or_null(d.resolution_j)},
                   {"range_j", or_null(d.range_j)},
                   {"capped", d.capped}});
  return {{"source", source()},
          {"description", description()},
          {"refresh_interval_s", refresh_interval_s()},
          {"sample_interval_s",
           std::isfinite(sample_interval_s()) ? ordered_json(sample_interval_s()) : ordered_json()},
          {"domains", all},
          {"problems", problems()}};
}

namespace {

class CounterMeter : public EnergyMeter {
 public:
  CounterMeter(EnergyCounter& counter, const Profile& profile) : counter_(counter), profile_(profile) {}
  std::string source() const override { return counter_.source(); }
  double refresh_interval_s() const override { return counter_.refresh_interval_s(); }

  void begin_idle() override { idle_from_ = counter_.read(); }

  void begin_period() override {
    begun_ = counter_.read();
    if (idle_from_ && begun_ && tells(begun_->at_s - idle_from_->at_s))
      idle_w_ = (begun_->total_j - idle_from_->total_j) / (begun_->at_s - idle_from_->at_s);
    idle_from_.reset();
  }

  PeriodEnergy end_period(int model, int cap, double, double period_s) override {
    const auto ended = counter_.read();
    PeriodEnergy p;
    ++windows_;
    const double idle_w = idle_w_.value_or(profile_.idle_power_w);
    if (begun_ && ended && ended->at_s > begun_->at_s) {
      const double window_s = ended->at_s - begun_->at_s;
      double energy_j = ended->total_j - begun_->total_j;
      if (!tells(window_s)) {
        ++short_windows_;
        energy_j = profile_.active_power_of(model, cap) * window_s;
      }
      p.energy_j = energy_j + idle_w * std::max(0.0, period_s - window_s);
      p.active_power_w = energy_j / window_s;
      p.idle_power_w = idle_w;
    } else {
      ++lost_windows_;
    }
    begun_.reset();
    return p;
  }

  ordered_json facts() const override {
    return {{"windows", windows_},
            {"windows_under_five_refreshes", short_windows_},
            {"without_energy", lost_windows_}};
  }

 private:
  bool tells(double window_s) const { return window_s >= fewest_refreshes * refresh_interval_s(); }

  EnergyCounter& counter_;
  const Profile& profile_;
  std::optional<EnergyReading> idle_from_, begun_;
  std::optional<double> idle_w_;
  int64_t windows_ = 0, short_windows_ = 0, lost_windows_ = 0;
};

}  // namespace

std::unique_ptr<EnergyMeter> make_counter_meter(EnergyCounter& counter, const Profile& profile) {
  return std::make_unique<CounterMeter>(counter, profile);
}

}  // namespace alertbench
