#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "catch.h"
#include "power/power.h"
#include "scenario/scenario.h"
#include "support.h"

using namespace alertbench;

namespace {

std::vector<std::string> model_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(ALERT_SOURCE_DIR "/profiles/power"))
    files.push_back(entry.path());
  return files;
}

Scenario scenario_with(const std::string& file) {
  return Scenario::read(ALERT_SOURCE_DIR "/scenarios/smoke.json",
                        {"power.model=" + file, "power.caps_w=" + read_json_file(file).at("caps_w").dump()});
}

}  // namespace

TEST_CASE("power models: those shipped rise with the cap and stay below it", "[power][models]") {
  REQUIRE(model_files().size() >= 4);
  for (const std::string& file : model_files()) {
    INFO(file);
    const Scenario scenario = scenario_with(file);
    const PowerModel& m = scenario.power_model;
    CHECK(m.name == read_json_file(file).at("name"));
    CHECK(m.idle_w < m.static_w);
    double before = 0;
    for (const double cap_w : scenario.caps_w) {
      const double s = m.speed(cap_w);
      CHECK(s > before);
      CHECK(m.static_w + m.dynamic_w * s * s * s <= cap_w + 1e-9);
      before = s;
    }
    CHECK(before == Approx(1.0));  // the highest cap is uncapped
  }
}

TEST_CASE("power models: the board's curve stays near what was measured", "[power][models]") {
  const PowerModel m = scenario_with(ALERT_SOURCE_DIR "/profiles/power/odroid-xu4.json").power_model;
  for (const auto& [mhz, measured_w] : std::vector<std::pair<double, double>>{
           {500, 5.125}, {1000, 6.415}, {1400, 7.91}, {1700, 9.545}, {2000, 12.64}}) {
    INFO(mhz << " MHz");
    CHECK(m.static_w + m.dynamic_w * std::pow(mhz / 2000, 3) == Approx(measured_w).epsilon(0.08));
  }
}

TEST_CASE("power models: energy adds up over periods, however they are cut", "[power][models]") {
  for (const std::string& file : model_files()) {
    const Scenario scenario = scenario_with(file);
    Profile p;
    p.caps_w = scenario.caps_w;
    p.power_model = scenario.power_model;
    p.idle_power_w = p.power_model.idle_w;
    p.models.resize(1);
    for (const double cap_w : p.caps_w) p.active_power_w.push_back(p.power_model.active_w(cap_w));
    const auto meter = make_model_meter(p);
    double sum_j = 0, busy_s = 0, idle_s = 0, highest_j = 0;
    for (int n = 0; n < 1000; ++n) {
      const double busy = 1e-3 * (1 + n % 17), period = 1e-3 * (5 + n % 11);
      meter->begin_period();
      sum_j += *meter->end_period(0, 1, busy, period).energy_j;
      busy_s += busy;
      idle_s += std::max(0.0, period - busy);
      highest_j += p.caps_w[1] * std::max(busy, period);
    }
    INFO(file);
    CHECK(sum_j == Approx(p.power_model.active_w(p.caps_w[1]) * busy_s + p.power_model.idle_w * idle_s));
    CHECK(sum_j < highest_j);  // never above the cap on average
  }
}

TEST_CASE("power models: mistakes in a file are named with it", "[power][models]") {
  TemporaryFile file(R"({"name": "x", "static_w": 5, "dynamic_w": 10, "idle_w": 3, "dynamic": 4})");
  check_says(message_of([&] {
               Scenario::read(ALERT_SOURCE_DIR "/scenarios/smoke.json", {"power.model=" + file.path});
             }),
             {file.path, "dynamic"});
  check_says(message_of([&] {
               Scenario::read(ALERT_SOURCE_DIR "/scenarios/smoke.json", {"power.model=/nowhere.json"});
             }),
             {"/nowhere.json"});
}
