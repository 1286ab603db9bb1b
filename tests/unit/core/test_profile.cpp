#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>

#include "base/error.h"
#include "catch.h"
#include "core/profile.h"
#include "live/profiler.h"
#include "models/network_file.h"
#include "scenario/scenario.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;

namespace {

Profile read_back(const std::string& text) {
  const std::string path = "test_profile_" + std::to_string(reinterpret_cast<uintptr_t>(&text)) + ".json";
  struct Removed {
    const std::string& path;
    ~Removed() { std::remove(path.c_str()); }
  } removed{path};
  std::ofstream(path) << text;
  return Profile::read(path);
}

std::string error_of(const std::function<void(ordered_json&)>& spoil) {
  ordered_json json = fixture::mixed().to_json();
  spoil(json);
  try {
    read_back(json.dump());
  } catch (const InputError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a profile comes back bit for bit") {
  Profile p = fixture::mixed();
  Random random(7);
  for (LatencyStats& l : p.latency) l.mean_s *= 1 + 1e-3 * random.uniform();
  p.noise_verdict = "noisy: \"co-runner\"";
  p.models[1].random_weights = true;
  const std::string text = p.to_json().dump(1);
  const Profile q = read_back(text);
  CHECK(q.to_json().dump(1) == text);
  bool same = q.latency.size() == p.latency.size();
  for (size_t i = 0; same && i < p.latency.size(); ++i) same = q.latency[i].mean_s == p.latency[i].mean_s;
  CHECK(same);
  CHECK(q.caps_w == p.caps_w);
  CHECK(q.active_power_w == p.active_power_w);
}

TEST_CASE(
    "a profile of inputs that differ in size comes back, and one of equal inputs says nothing of sizes") {
  Profile p = fixture::mixed();
  CHECK_FALSE(p.to_json().contains("size_unit"));
  CHECK_FALSE(p.to_json().contains("mean_size"));
  CHECK_FALSE(p.to_json()["models"][0].contains("size_growth"));
  const Profile plain = read_back(p.to_json().dump());
  CHECK(plain.mean_size == 1);
  CHECK(plain.size_unit.empty());
  CHECK(plain.models[0].size_growth == 0);

  p.size_unit = "tokens";
  p.mean_size = 500.0 / 3;
  p.models[0].size_growth = 0;
  p.models[1].size_growth = 2.0 / 3;
  p.models[2].size_growth = 2;
  p.models[0].prepacked = true;
  p.models[1].prepacked = false;
  const Profile q = read_back(p.to_json().dump(1));
  CHECK(q.to_json().dump() == p.to_json().dump());
  CHECK(q.size_unit == "tokens");
  CHECK(q.mean_size == 500.0 / 3);
  for (size_t m = 0; m < 3; ++m) CHECK(q.models[m].size_growth == p.models[m].size_growth);
  for (size_t m = 0; m < 3; ++m) CHECK(q.models[m].prepacked == p.models[m].prepacked);
}

TEST_CASE("every key of a profile is documented") {
  Profile p = fixture::mixed();
  p.size_unit = "tokens";
  for (ModelProfile& model : p.models) {
    model.cap_speeds.resize(p.caps_w.size());
    model.device_times.resize(p.caps_w.size());
  }
  const std::string page = format_section("profile.json");
  const std::function<void(const ordered_json&)> check = [&](const ordered_json& value) {
    if (!value.is_structured()) return;
    for (const auto& [key, inner] : value.items()) {
      if (value.is_object()) CHECK_THAT(page, ContainsSubstring("`" + key + "`"));
      check(inner);
    }
  };
  check(p.to_json());
}

TEST_CASE("what an input's size does to latencies is a straight line, kept above 0") {
  Profile p = fixture::mixed();
  p.models[1].size_growth = 0.5;
  p.models[2].size_growth = 2;
  for (const double size : {0.1, 1.0, 7.0}) CHECK(p.size_factor(0, size) == 1);
  CHECK(p.size_factor(1, 1) == 1);
  CHECK(p.size_factor(1, 2) == 1.5);
  CHECK(p.size_factor(1, 0.5) == 0.75);
  CHECK(p.size_factor(2, 1) == 1);
  CHECK(p.size_factor(2, 1.5) == 2);
  CHECK(p.size_factor(2, 0.25) == 0.05);
}

TEST_CASE("sizes that cannot be are refused") {
  const auto with = [](const char* key, const ordered_json& value) {
    return error_of([&](auto& j) { j[key] = value; });
  };
  for (const double bad : {0.0, -3.0}) CHECK_THAT(with("mean_size", bad), ContainsSubstring("mean_size"));
  CHECK_THAT(with("mean_size", "long"), ContainsSubstring("mean_size"));
  CHECK_THAT(with("size_unit", 3), ContainsSubstring("size_unit"));
  for (const double bad : {-0.1, 2.1})
    CHECK_THAT(error_of([&](auto& j) { j["models"][1]["size_growth"] = bad; }),
               ContainsSubstring("models[1]") && ContainsSubstring("size_growth"));
  Profile p = fixture::mixed();
  p.models[2].size_growth = std::nan("");
  CHECK_THROWS_WITH(p.check("here"), ContainsSubstring("models[2]: size_growth"));
  p = fixture::mixed();
  p.mean_size = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(p.check("here"), ContainsSubstring("mean_size"));
}

TEST_CASE("profile errors name file, key, value") {
  CHECK_THAT(error_of([](auto& j) { j["cap_w"] = 1; }),
             ContainsSubstring("test_profile_") && ContainsSubstring("\"caps_w\""));
  CHECK_THAT(error_of([](auto& j) { j["models"][0]["acuracy"] = 1; }),
             ContainsSubstring("models[0]") && ContainsSubstring("\"accuracy\""));
  CHECK_THAT(error_of([](auto& j) { j["schema_version"] = "2.0"; }), ContainsSubstring("schema_version"));
  CHECK_THAT(error_of([](auto& j) {
               j["caps_w"] = {40, 60, 60, 100};
             }),
             ContainsSubstring("caps_w[2]") && ContainsSubstring("60"));
  CHECK_THAT(error_of([](auto& j) {
               j["models"][2]["accuracy"] = {0.5, 0.4, 0.6};
             }),
             ContainsSubstring("accuracy[1]"));
  CHECK_THAT(error_of([](auto& j) {
               j["models"][2]["accuracy"] = {0.5, 0.6};
             }),
             ContainsSubstring("one per stage"));
  CHECK_THAT(
      error_of([](auto& j) { j["models"][2]["stages"][1]["mean_s"].push_back(1); }),
      ContainsSubstring("stages[1]") && ContainsSubstring("mean_s") && ContainsSubstring("one per cap"));
  CHECK_THAT(error_of([](auto& j) { j["models"][2]["stages"][1]["mean_s"][0] = 0.001; }),
             ContainsSubstring("stages[1]: mean_s[0]") && ContainsSubstring("not above"));
  CHECK_THAT(error_of([](auto& j) { j["models"][0]["stages"][0]["p95_s"][0] = -1; }),
             ContainsSubstring("p95_s[0]"));
  CHECK_THAT(error_of([](auto& j) { j["models"][0]["name"] = "any"; }), ContainsSubstring("duplicate"));
  CHECK_THAT(error_of([](auto& j) { j["models"][0]["accuracy_source"] = "guess"; }),
             ContainsSubstring("accuracy_source"));
  CHECK_THAT(error_of([](auto& j) { j["fail_accuracy"] = std::nan(""); }),
             ContainsSubstring("fail_accuracy"));
  CHECK_THAT(error_of([](auto& j) { j["models"] = ordered_json::array(); }), ContainsSubstring("models"));
  CHECK_THAT(error_of([](auto& j) { j["models"] = std::vector<ordered_json>(1001, j["models"][0]); }),
             ContainsSubstring("the limit is 1000"));
}

TEST_CASE("check() refuses values that JSON cannot hold") {
  Profile p = fixture::mixed();
  p.latency[3].mean_s = std::nan("");
  CHECK_THROWS_WITH(p.check("here"), ContainsSubstring("here") && ContainsSubstring("mean_s[3]"));
  p = fixture::mixed();
  p.active_power_w[1] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(p.check("here"), InputError);
  p = fixture::mixed();
  p.latency.pop_back();
  CHECK_THROWS_AS(p.check("here"), InputError);
}

TEST_CASE("rows, reference latency, period energy") {
  const Profile p = fixture::mixed();
  CHECK(p.rows() == 5);
  CHECK(p.first_row(2) == 2);
  CHECK(p.row({2, 3, 0}) == 4);
  CHECK(p.model_index("any") == 2);
  CHECK(p.model_index("none") == -1);
  CHECK(p.reference_latency_s() == 0.13);
  CHECK(fixture::two_by_two().reference_latency_s() == 0.1);
  CHECK(p.period_energy_j(0, 3, 0.1, 0.3) == Approx(12));
  CHECK(p.period_energy_j(0, 3, 0.4, 0.3) == Approx(40));
}

TEST_CASE("power model") {
  const PowerModel m;
  CHECK(m.speed(100) == 1);
  CHECK(m.speed(150) == 1);
  CHECK(m.speed(25 + 75 * 0.125) == Approx(0.5));
  CHECK(m.active_w(60) == 60);
  CHECK(m.active_w(150) == 100);
  CHECK_THROWS_WITH(m.speed(25), ContainsSubstring("25"));
}

TEST_CASE(
    "measured accuracy takes the place of the file's, and a stage never counts for less than the one "
    "before") {
  Profile p = fixture::mixed();
  MeasuredAccuracy measured;
  measured.accuracy.assign(static_cast<size_t>(p.rows()), 0.5);
  measured.accuracy.back() = 0.25;
  measured.inputs = 40;
  take_accuracy(p, measured, "data");
  CHECK(p.models.front().accuracy == std::vector<double>(1, 0.5));
  CHECK(p.models.front().accuracy_on == "data; 40 inputs");
  const ModelProfile& nested = p.models.back();
  CHECK(nested.accuracy == std::vector<double>(static_cast<size_t>(nested.stages()), 0.5));
  CHECK(nested.accuracy_source == "measured");
  CHECK(nested.accuracy_on == "data; 40 inputs; stage 3 measured 0.2500, counts as stage 2");
  p.check("p");

  // Language quality of few words can be worse than that of a guess.
  measured.accuracy.front() = -0.125;
  take_accuracy(p, measured, "data");
  CHECK(p.models.front().accuracy == std::vector<double>(1, 0.0));
  CHECK(p.models.front().accuracy_on ==
        "data; 40 inputs; stage 1 measured -0.1250, worse than a guess, counts as 0");
  p.check("p");
}

TEST_CASE("language quality is 1 - NLL over that of guessing") {
  CHECK(language_quality({}, 8).empty());
  const std::vector<double> quality = language_quality({64, 8, 2, 1}, 8);
  REQUIRE(quality.size() == 4);
  CHECK(quality[0] == Approx(-1));
  CHECK(quality[1] == 0);
  CHECK(quality[2] == Approx(2.0 / 3));
  CHECK(quality[3] == 1);
}

TEST_CASE("a profile says what its accuracies are; an older one has the unit of its time") {
  Profile p = fixture::mixed();
  for (const AccuracyUnit unit : {AccuracyUnit::top1, AccuracyUnit::f1, AccuracyUnit::language_quality}) {
    p.accuracy_unit = unit;
    const Profile q = read_back(p.to_json().dump());
    CHECK(q.accuracy_unit == unit);
    CHECK(q.to_json()["accuracy_unit"] == to_string(unit));
  }
  const auto older = [&](const char* workload) {
    ordered_json j = p.to_json();
    j.erase("accuracy_unit");
    j["workload"] = workload;
    return read_back(j.dump()).accuracy_unit;
  };
  CHECK(older("fashion-mnist") == AccuracyUnit::top1);
  CHECK(older("ptb") == AccuracyUnit::top1);
  CHECK(older("squad") == AccuracyUnit::f1);
  CHECK_THAT(error_of([](auto& j) { j["accuracy_unit"] = "bleu"; }),
             ContainsSubstring("accuracy_unit") && ContainsSubstring("language_quality"));
}

TEST_CASE(
    "the shipped profile of words has the language quality of the shipped networks, and recordings of before "
    "their own") {
  const Profile p = Profile::read(ALERT_SOURCE_DIR "/profiles/ptb.intel-xeon.json");
  CHECK(p.accuracy_unit == AccuracyUnit::language_quality);
  CHECK(p.fail_accuracy == 0);
  const NetworkFile networks = NetworkFile::read(ALERT_SOURCE_DIR "/networks/ptb.json");
  REQUIRE(p.models.size() == networks.networks.size());
  for (const ModelProfile& model : p.models) {
    const std::vector<double> stated = networks.find(model.name).stage_accuracy();
    REQUIRE(stated.size() == model.accuracy.size());
    for (size_t s = 0; s < stated.size(); ++s) CHECK(model.accuracy[s] == Approx(stated[s]));
  }
  // The goal of scenarios/ptb.json lies inside the ladder: the nested network meets it from its third stage
  // on.
  const Scenario scenario = Scenario::read(ALERT_SOURCE_DIR "/scenarios/ptb.json", {});
  const ModelProfile& nested = p.models.at(static_cast<size_t>(p.model_index("nested-lstm")));
  REQUIRE(scenario.goals.at(0).accuracy);
  CHECK(nested.accuracy.at(1) < *scenario.goals[0].accuracy);
  CHECK(nested.accuracy.at(2) > *scenario.goals[0].accuracy);
}
