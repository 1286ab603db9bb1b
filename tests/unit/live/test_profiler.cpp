// The profile of fake networks whose time depends on the size of their input, and a live run of groups, on
// a clock that the networks themselves move.
#include <cmath>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "catch.h"
#include "fake_powercap.h"
#include "live/cap_check.h"
#include "live/live_environment.h"
#include "live/live_pace.h"
#include "live/profiler.h"
#include "live/recorder.h"
#include "recording/replay_environment.h"
#include "support.h"

using namespace alertbench;

namespace {

class FakeClock : public Clock {
 public:
  double now_s() override { return time_s; }
  void sleep_until(double t) override { time_s = std::max(time_s, t); }
  double processor_s() override { return time_s; }
  double time_s = 100;
  std::vector<double> starts_s;    // of all executions
  const void* ran_last = nullptr;  // network
};

// Time that costs energy: what runs draws 80 W, or the cap where that is lower and `obeys`; a thread asleep
// draws 15 W. DRAM draws 5 W all the time. Counters are read by a thread of their own, too.
class DrawingClock : public FakeClock {
 public:
  explicit DrawingClock(FakeMachine& m) : machine_(m) {}
  double now_s() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const double cap_w = std::stod(machine_.get("intel-rapl:0", "constraint_0_power_limit_uw")) * 1e-6;
    draw(obeys ? std::min(80.0, cap_w) : 80.0);
    return time_s;
  }
  void sleep_until(double t) override {
    now_s();
    const std::lock_guard<std::mutex> lock(mutex_);
    FakeClock::sleep_until(t);
    draw(15);
  }
  bool obeys = true;

 private:
  void draw(double watts) {
    add("intel-rapl:0", watts);
    add("intel-rapl:0:1", 5);
    drawn_s_ = time_s;
  }
  void add(const std::string& zone, double watts) {
    const double uj = std::stod(machine_.get(zone, "energy_uj")) + watts * (time_s - drawn_s_) * 1e6;
    machine_.set(zone, "energy_uj~", std::to_string(std::llround(uj)));
    std::filesystem::rename(machine_.file(zone, "energy_uj~"), machine_.file(zone, "energy_uj"));
  }
  FakeMachine& machine_;
  std::mutex mutex_;
  double drawn_s_ = 100;
};

// A network whose stages take `fixed_s` and `per_token_s` for every token, and some noise.
struct Pace {
  double fixed_s = 0, per_token_s = 0, noise = 0;
  double on_device = 0;  // share of it by a device's clock; 0: there is none
  double cold = 0;       // that it takes longer, as a share, behind another network
  std::optional<bool> prepacked = {};
};

class FakeReader : public StagedModel {
 public:
  FakeReader(FakeClock& clock, Pace pace, int stages)
      : clock_(clock), pace_(pace), stages_(stages), random_(3) {}
  int stages() const override { return stages_; }
  int blocks(int) const override { return 1; }
  void set_input(const NetworkInput& input) override {
    tokens_ = 0;
    for (const TokenWindow& w : input_of_kind<TokenWindows>(input, "tokens").windows)
      tokens_ += static_cast<double>(w.ids.size());
  }
  void run_block(int stage, int) override {
    if (stage == 0) {
      clock_.starts_s.push_back(clock_.time_s);
      cold_ = clock_.ran_last != this;
      clock_.ran_last = this;
    }
    const double taken_s = (1 + cold_ * pace_.cold) * (pace_.fixed_s + pace_.per_token_s * tokens_) *
                           (1 + pace_.noise * random_.uniform(-1, 1));
    clock_.time_s += taken_s;
    device_s_ = (stage > 0 ? device_s_ : 0) + pace_.on_device * taken_s;
  }
  std::optional<double> device_time_s(int) const override {
    return pace_.on_device > 0 ? std::optional(device_s_) : std::nullopt;
  }
  std::vector<float> scores(int stage) const override { return {static_cast<float>(stage)}; }
  std::optional<bool> prepacked() const override { return pace_.prepacked; }

 private:
  FakeClock& clock_;
  Pace pace_;
  int stages_;
  Random random_;
  double tokens_ = 0, device_s_ = 0;
  bool cold_ = false;
};

class FakeRuntime : public InferenceRuntime {
 public:
  FakeRuntime(FakeClock& clock, std::vector<Pace> paces) : clock_(clock), paces_(std::move(paces)) {}
  std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int) override {
    return std::make_unique<FakeReader>(clock_, paces_.at(loaded_++), spec.stages());
  }
  nlohmann::ordered_json facts() const override { return {}; }

 private:
  FakeClock& clock_;
  std::vector<Pace> paces_;
  size_t loaded_ = 0;
};

// Inputs of these sizes, in groups of these many that are left.
class FakeTexts : public Workload {
 public:
  FakeTexts(std::vector<int> sizes, std::string unit, std::vector<int64_t> left = {})
      : sizes_(std::move(sizes)), unit_(std::move(unit)), left_(std::move(left)) {}
  std::string name() const override { return "texts"; }
  std::string data_source() const override { return "made up"; }
  int64_t size() const override { return static_cast<int64_t>(sizes_.size()); }
  int classes() const override { return 0; }
  bool labelled() const override { return true; }
  std::string input_id(int64_t n) const override { return std::to_string(n); }
  InputFacts facts(int64_t n) const override {
    const auto at = static_cast<size_t>(n);
    return {left_.empty() ? 1 : left_[at], unit_.empty() ? 1.0 : sizes_[at]};
  }
  std::string size_unit() const override { return unit_; }
  NetworkInput network_input(int64_t n, const ImageSpec&) const override {
    TokenWindows input;
    input.windows.push_back({std::vector<int64_t>(static_cast<size_t>(sizes_[static_cast<size_t>(n)])), {}});
    return input;
  }
  // The stage that answered, as F1 in tenths.
  Correctness judge(int64_t, const std::vector<float>& scores) const override {
    return {false, {}, {}, (1 + scores[0]) / 10.0};
  }
  Correctness missed(int64_t) const override { return {false, {}, {}, 0.0}; }
  double fail_accuracy() const override { return 0; }

 private:
  std::vector<int> sizes_;
  std::string unit_;
  std::vector<int64_t> left_;
};

std::vector<NetworkSpec> networks(const std::vector<int>& stages) {
  std::vector<NetworkSpec> all;
  for (size_t m = 0; m < stages.size(); ++m) {
    NetworkSpec n;
    n.name = "net" + std::to_string(m);
    n.architecture = "bert";
    n.weights = "trained";
    n.bert.exits.clear();
    for (int s = 1; s <= stages[m]; ++s) n.bert.exits.push_back(s), n.accuracy.top1.push_back(0.1 * s);
    n.accuracy.source = "assumed";
    all.push_back(n);
  }
  return all;
}

std::vector<int64_t> in_order(int64_t count) {
  std::vector<int64_t> order;
  for (int64_t n = 0; n < count; ++n) order.push_back(n);
  return order;
}

Profile profile_of(const std::vector<int>& sizes, const std::string& unit, const std::vector<Pace>& paces,
                   const std::vector<int>& stages, int repetitions) {
  FakeClock clock;
  FakeRuntime runtime(clock, paces);
  const FakeTexts texts(sizes, unit);
  NetworkBench bench(runtime, networks(stages), texts, in_order(texts.size()));
  Scenario scenario;
  scenario.workload = "texts";
  scenario.caps_w = {50, 100};
  scenario.profile_repetitions = repetitions;
  PowerBackend power = open_power({}, clock);
  Progress quiet(true);
  Profile p = measure_profile(bench, scenario, power, clock, quiet);
  p.host = "test";
  p.check("test");
  return p;
}

}  // namespace

TEST_CASE("the rest before an input is that of a live run", "[pace][live]") {
  Random random(7);
  int rested = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<int64_t> left;
    while (left.size() < 30)
      for (auto n = static_cast<int64_t>(1 + random.below(round < 5 ? 1 : 4)); n > 0; --n) left.push_back(n);
    const auto inputs = static_cast<int64_t>(left.size());
    const FakeTexts texts(std::vector<int>(left.size(), 1), "", left);
    FakeClock clock;
    FakeRuntime runtime(clock, {{1e-3, 0, 0}});
    const NetworkBench bench(runtime, networks({1}), texts, in_order(inputs));
    const double deadline_s = 0.02, latency_s = random.uniform(0.001, 0.025);
    const LivePace pace(bench, deadline_s);
    for (const Arrivals arrivals : {Arrivals::closed, Arrivals::open}) {
      Pacing live(arrivals, deadline_s);
      double end_s = 0;
      int wrong = 0;
      for (int64_t n = 0; n < inputs; ++n) {
        const Arrival a = live.arrive(left[static_cast<size_t>(n)]);
        const double start_s = a.arrival_s + a.wait_s, rest_s = pace.rest_s(n, latency_s);
        if (n > 0) wrong += std::abs(start_s - end_s - rest_s) > 1e-9;
        rested += rest_s > 0;
        end_s = start_s + latency_s;
        live.executed(end_s, latency_s);
      }
      CHECK(wrong == 0);
    }
    CHECK(pace.rest_s(0, 0.005) ==
          Approx(0.015 * static_cast<double>(left[0])));  // as if one of its kind had been before
    CHECK(LivePace(bench, {}).rest_s(1, 0.001) == 0);
  }
  CHECK(rested > 300);
}

namespace {

// Two networks under two caps: one is short, the other has two stages; both are slow behind the other one.
const std::vector<Pace> two_paces = {{4e-3, 0, 0, 0, 0.5}, {6e-3, 0, 0, 0, 0.5}};
const std::vector<int> two_stages = {1, 2};

Scenario paced_scenario(GoalSpec goal, const std::string& pace = "live") {
  Scenario s;
  s.workload = "texts";
  s.caps_w = {50, 100};
  s.profile_repetitions = 4;
  s.inputs = 4;
  s.goals = {std::move(goal)};
  s.record_pace = pace;
  return s;
}

GoalSpec due(std::optional<double> deadline_s, std::optional<double> deadline_x = {}) {
  GoalSpec g;
  g.name = "g";
  g.deadline_s = deadline_s;
  g.deadline_x = deadline_x;
  g.accuracy = 0.1;
  return g;
}

// When each execution of rounds `first` to `last` ought to begin after the first one of them: all caps of
// each network one after the other, all turning, before the first one a lead-in, before each that counts the
// rest for what it `expects` to take.
template <class Takes, class Expects>
void check_starts(const std::vector<double>& starts_s, int first, int last, double deadline_s,
                  const Takes& takes, const Expects& expects) {
  std::vector<double> expected;
  double now_s = 0;
  int before = 1;  // warmed up last
  for (int round = first; round <= last; ++round)
    for (int k = 0; k < 2; ++k)
      for (int i = 0; i < 2; ++i) {
        const int model = (k + round) % 2, cap = (i + round) % 2;
        if (i == 0) {
          expected.push_back(now_s);
          now_s += (model == before ? 1 : 1.5) * takes(model, cap);  // cold behind the other one
        }
        before = model;
        now_s += std::max(0.0, deadline_s - expects(model, cap));
        expected.push_back(now_s);
        now_s += takes(model, cap);
      }
  REQUIRE(starts_s.size() >= expected.size());
  const double* from = &starts_s[starts_s.size() - expected.size()];
  for (size_t n = 0; n < expected.size(); ++n) {
    INFO("execution " << n);
    CHECK(from[n] - from[0] == Approx(expected[n]).margin(1e-9));
  }
}

}  // namespace

TEST_CASE("a profile is paced as a live run, also where its deadline depends on it", "[profiler][pace]") {
  const FakeTexts texts({1, 1, 1, 1}, "");
  const auto measure = [&](const Scenario& scenario, FakeClock& clock) {
    FakeRuntime runtime(clock, two_paces);
    NetworkBench bench(runtime, networks(two_stages), texts, in_order(4));
    PowerBackend power = open_power({}, clock);
    Progress quiet(true);
    Profile p = measure_profile(bench, scenario, power, clock, quiet);
    p.host = "test";
    p.check("test");
    return p;
  };
  const double speed = PowerModel().speed(50);
  const auto takes = [&](int model, int cap) { return (model == 0 ? 4e-3 : 12e-3) / (cap == 0 ? speed : 1); };
  for (const GoalSpec& goal : {due(0.015), due({}, 1.25), due({}, 2)}) {
    FakeClock clock;
    const Profile p = measure(paced_scenario(goal), clock);
    CHECK(p.pace == "live");
    check_starts(clock.starts_s, 0, 3, goal.deadline_s ? *goal.deadline_s : *goal.deadline_x * 12e-3, takes,
                 takes);
    for (int m = 0; m < 2; ++m)
      for (int c = 0; c < 2; ++c) {
        CHECK(p.latency_of({m, two_stages[static_cast<size_t>(m)], c}).mean_s ==
              Approx(takes(m, c)));  // warm, without the rest
        CHECK(p.latency_of({m, 1, c}).cv == Approx(0).margin(1e-9));
      }
    const TemporaryFile file(p.to_json().dump());
    CHECK(Profile::read(file.path).pace == "live");
  }
  FakeClock clock;
  const Profile p = measure(paced_scenario(due(0.015), "none"), clock);
  CHECK(p.pace == "none");
  CHECK(p.latency_of({0, 1, 1}).mean_s ==
        Approx(1.25 * takes(0, 1)));  // every second time behind the other network
  nlohmann::ordered_json older = p.to_json();
  older.erase("pace");
  CHECK(Profile::read(TemporaryFile(older.dump()).path).pace == "none");
  older["pace"] = "slow";
  CHECK_THROWS_WITH(Profile::read(TemporaryFile(older.dump()).path),
                    Catch::Matchers::ContainsSubstring("\"slow\""));
}

TEST_CASE("a recording is paced as a live run by the profile, also where it goes on", "[recorder][pace]") {
  const FakeTexts texts({1, 1, 1, 1}, "");
  Profile p = profile_of({1, 1}, "", two_paces, two_stages, 2);
  const double speed = p.power_model.speed(50), deadline_s = 0.015;
  for (LatencyStats& l : p.latency) l.mean_s *= 1.1;  // it took longer then
  const auto takes = [&](int model, int cap) { return (model == 0 ? 4e-3 : 12e-3) / (cap == 0 ? speed : 1); };
  const auto expects = [&](int model, int cap) {
    return p.latency_of({model, two_stages[static_cast<size_t>(model)], cap}).mean_s;
  };
  const Folder folder;
  const auto record = [&](const std::string& pace, RecordingWriter writer) {
    FakeClock clock;
    FakeRuntime runtime(clock, two_paces);
    NetworkBench bench(runtime, networks(two_stages), texts, in_order(4));
    const Scenario scenario = paced_scenario(due(deadline_s), pace);
    const auto caps = make_emulated_cap(p.power_model);
    CoRunnerControl co_runner(scenario, false);
    Progress quiet(true);
    record_truth(bench, p, LivePace(bench, scenario, p), *caps, co_runner, clock, quiet, writer);
    return std::pair{writer.finish(), clock.starts_s};
  };
  const auto last_stage_s = [&](const Recording& r, int64_t input, int model, int cap) {
    return r.truth.stage_end_s[static_cast<size_t>((input * 3 + (model == 0 ? 0 : 2)) * 2 + cap)];
  };

  const auto [whole, starts_s] = record("live", RecordingWriter(folder / "whole", p, {}, 4));
  check_starts(starts_s, 0, 3, deadline_s, takes, expects);
  for (int64_t n = 0; n < 4; ++n)
    for (int m = 0; m < 2; ++m)
      for (int c = 0; c < 2; ++c) CHECK(last_stage_s(whole, n, m, c) == Approx(takes(m, c)));

  const auto [cold, at_once_s] = record("none", RecordingWriter(folder / "none", p, {}, 4));
  CHECK(last_stage_s(cold, 1, 0, 1) == Approx(1.5 * takes(0, 1)));  // the first one after the other network
  CHECK(last_stage_s(cold, 1, 0, 0) == Approx(takes(0, 0)));
  CHECK(at_once_s.back() - at_once_s[at_once_s.size() - 2] == Approx(1.5 * takes(0, 1)));

  {
    RecordingWriter begun(folder / "cut", p, {}, 4);
    for (size_t n = 0; n < 2; ++n) {
      RecordedInput input;
      input.input_id = std::to_string(n);
      input.stage_end_s = {1, 1, 1, 1, 2, 2};
      for (int row = 0; row < 3; ++row) input.correct.push_back({false, {}, {}, 0.1});
      input.missed = Correctness{false, {}, {}, 0.0};
      begun.append(input);
    }
  }
  const auto [resumed, later_s] =
      record("live", RecordingWriter(folder / "cut", Recording::load(folder / "cut")));
  CHECK(resumed.complete());
  check_starts(later_s, 2, 3, deadline_s, takes, expects);
  CHECK(last_stage_s(resumed, 1, 1, 1) == 2);
  CHECK(last_stage_s(resumed, 2, 1, 1) == Approx(takes(1, 1)));
}

TEST_CASE("idle time is in no figure of power", "[profiler][pace][power]") {
  FakeMachine machine;
  one_package(machine);
  DrawingClock clock(machine);
  FakeRuntime runtime(clock, {{0.02, 0, 0}});
  const FakeTexts texts({1, 1, 1}, "");
  NetworkBench bench(runtime, networks({1}), texts, in_order(3));
  Scenario scenario = paced_scenario(due(0.1));
  PowerBackend power = open_power({"rapl", machine.root(), "", scenario.caps_w, scenario.power_model}, clock);
  Progress quiet(true);
  const Profile p = measure_profile(bench, scenario, power, clock, quiet);
  CHECK(p.active_power_of(0, 0) == Approx(55));
  CHECK(p.active_power_of(0, 1) == Approx(85));
  CHECK(p.latency_of({0, 1, 0}).mean_s == Approx(0.02));
  CHECK(clock.starts_s.back() - clock.starts_s[clock.starts_s.size() - 2] == Approx(0.1));
}

TEST_CASE("profile: the growth with size is found, and latencies are for the mean size", "[profiler]") {
  const std::vector<int> sizes = {100, 300, 200, 50, 350};  // mean 200
  const std::vector<Pace> paces = {{10e-3, 50e-6, 0}, {2e-3, 0, 0}, {0, 100e-6, 0}};
  const Profile p = profile_of(sizes, "tokens", paces, {1, 1, 2}, 10);
  CHECK(p.size_unit == "tokens");
  CHECK(p.mean_size == Approx(200));
  const double speed = p.power_model.speed(50);
  CHECK(p.models[0].size_growth == Approx(0.5));  // 10 of 20 ms
  CHECK(p.models[1].size_growth == Approx(0).margin(1e-9));
  CHECK(p.models[2].size_growth == Approx(1));
  const double mean_s[] = {20e-3, 2e-3, 20e-3};
  for (int m = 0; m < 3; ++m) {
    CHECK(p.latency_of({m, 1, 1}).mean_s == Approx(mean_s[m]));
    CHECK(p.latency_of({m, 1, 0}).mean_s == Approx(mean_s[m] / speed));
    CHECK(p.latency_of({m, 1, 1}).cv == Approx(0).margin(1e-9));  // size explains all of it
  }
  CHECK(p.latency_of({2, 2, 1}).mean_s == Approx(40e-3));
  CHECK(p.noise_verdict.rfind("quiet", 0) == 0);
}

TEST_CASE("profile: what a device says it took stands beside the latency", "[profiler][cuda]") {
  const Profile p =
      profile_of({100, 300, 200, 50, 350}, "tokens", {{10e-3, 50e-6, 0, 0.8, 0, false}, {1e-3}}, {2, 1}, 10);
  const std::vector<DeviceTime>& times = p.models[0].device_times;
  REQUIRE(times.size() == 2);
  const double speed = p.power_model.speed(50);
  // Two stages at the mean size; no emulated cap slows the device.
  for (const DeviceTime& t : times) CHECK(t.median_s == Approx(0.8 * 40e-3));
  CHECK(times[1].share == Approx(0.8));
  CHECK(times[0].share == Approx(0.8 * speed));
  CHECK(p.models[1].device_times.empty());
  CHECK(p.models[0].prepacked == false);
  CHECK_FALSE(p.models[1].prepacked.has_value());

  const nlohmann::ordered_json j = p.to_json();
  CHECK(j["models"][1]["device_time"].is_null());
  const TemporaryFile file(j.dump());
  const Profile back = Profile::read(file.path);
  REQUIRE(back.models[0].device_times.size() == 2);
  CHECK(back.models[0].device_times[0].share == Approx(times[0].share));
  CHECK(back.models[1].device_times.empty());
  nlohmann::ordered_json bad = j;
  bad["models"][0]["device_time"]["share"] = {0.5};
  CHECK_THROWS_WITH(Profile::read(TemporaryFile(bad.dump()).path),
                    Catch::Matchers::ContainsSubstring("share: has 1 values; expected 2, one per cap"));
}

TEST_CASE("profile: noise moves the growth little, and it is never below 0", "[profiler]") {
  std::vector<int> sizes;
  Random random(4);
  for (int i = 0; i < 50; ++i) sizes.push_back(static_cast<int>(random.uniform(100, 300)));
  const Profile p = profile_of(sizes, "tokens", {{10e-3, 50e-6, 0.1}, {30e-3, -50e-6, 0}}, {1, 1}, 50);
  CHECK(p.models[0].size_growth == Approx(0.5).margin(0.1));
  CHECK(p.models[1].size_growth == 0);
}

TEST_CASE("profile: inputs of one size, or without a size, say nothing of growth", "[profiler]") {
  const Profile one = profile_of({200, 200}, "tokens", {{10e-3, 50e-6, 0.1}}, {2}, 8);
  CHECK(one.models[0].size_growth == 0);
  CHECK(one.mean_size == 200);
  const Profile none =
      profile_of({100, 300, 200, 100, 300, 200, 100, 300, 200, 200}, "", {{10e-3, 50e-6, 0}}, {2}, 10);
  CHECK(none.models[0].size_growth == 0);
  CHECK(none.mean_size == 1);
  CHECK(none.size_unit.empty());
  CHECK(none.latency_of({0, 1, 1}).mean_s == Approx(20e-3));
}

TEST_CASE("accuracy measured on questions is their F1", "[profiler]") {
  FakeClock clock;
  FakeRuntime runtime(clock, {{1e-3, 0, 0}});
  const FakeTexts texts({10, 20}, "tokens");
  NetworkBench bench(runtime, networks({3}), texts, in_order(2));
  Progress quiet(true);
  const MeasuredAccuracy measured = measure_accuracy(bench, clock, quiet);
  REQUIRE(measured.accuracy.size() == 3);
  for (int s = 0; s < 3; ++s) CHECK(measured.accuracy[static_cast<size_t>(s)] == Approx((s + 1) / 10.0));
  CHECK(measured.perplexity.empty());
}

TEST_CASE("accuracy measured on words is their language quality, beside perplexity and next words told right",
          "[profiler]") {
  // Two words of the vocabulary; the first is told right by both stages, the second by none.
  class Words : public FakeTexts {
   public:
    Words() : FakeTexts({1, 1}, "") {}
    Correctness judge(int64_t n, const std::vector<float>& scores) const override {
      return {n == 0, true, (n == 0 ? 1.0 : 5.0) - scores[0], {}, n == 0 ? 2.0 : 6.0};
    }
  };
  FakeClock clock;
  FakeRuntime runtime(clock, {{1e-3, 0, 0}});
  const Words words;
  std::vector<NetworkSpec> specs = networks({2});
  specs[0].architecture = "lstm";
  specs[0].lstm.stripes = 2;
  specs[0].accuracy.perplexity = {16, 4};
  specs[0].accuracy.guess_perplexity = 64;
  NetworkBench bench(runtime, specs, words, in_order(2));
  Progress quiet(true);
  const MeasuredAccuracy measured = measure_accuracy(bench, clock, quiet);
  REQUIRE(measured.accuracy.size() == 2);
  CHECK(measured.accuracy[0] == Approx(1 - 6.0 / 8));  // not the mean of 1/2 and 1/6
  CHECK(measured.accuracy[1] == Approx(1 - 4.0 / 8));
  CHECK(measured.perplexity[0] == Approx(std::exp(3.0)));
  CHECK(measured.perplexity[1] == Approx(std::exp(2.0)));
  CHECK(measured.top1 == std::vector<double>{0.5, 0.5});
  CHECK(measured.guess_perplexity == Approx(std::exp(4.0)));

  // Without being measured: what the network file says.
  Scenario scenario;
  scenario.caps_w = {100};
  scenario.profile_repetitions = 2;
  PowerBackend power = open_power({}, clock);
  const Profile p = measure_profile(bench, scenario, power, clock, quiet);
  CHECK(p.accuracy_unit == AccuracyUnit::language_quality);
  REQUIRE(p.models[0].accuracy.size() == 2);
  CHECK(p.models[0].accuracy[0] == Approx(1.0 / 3));
  CHECK(p.models[0].accuracy[1] == Approx(2.0 / 3));

  Profile taken = p;
  take_accuracy(taken, measured, "text");
  const NetworkAccuracy stated = accuracy_to_state(taken, 0, measured);
  REQUIRE(stated.perplexity.size() == 2);
  CHECK(stated.perplexity[0] == Approx(std::exp(3.0)));
  CHECK(stated.perplexity[1] == Approx(std::exp(2.0)));
  CHECK(stated.guess_perplexity == Approx(std::exp(4.0)));
  CHECK(stated.top1 == std::vector<double>{0.5, 0.5});
  CHECK(stated.source == "measured");
  CHECK(stated.on == "text; 2 inputs");
}

TEST_CASE("an accuracy that is not known is 0 in the profile until it is measured", "[profiler]") {
  FakeClock clock;
  FakeRuntime runtime(clock, {{1e-3, 0, 0}, {1e-3, 0, 0}});
  const FakeTexts texts({1, 2, 3}, "");
  std::vector<NetworkSpec> specs = networks({1, 2});
  specs[1].accuracy = {};
  NetworkBench bench(runtime, specs, texts, in_order(3));
  Scenario scenario;
  scenario.caps_w = {100};
  scenario.profile_repetitions = 2;
  PowerBackend power = open_power({}, clock);
  Progress quiet(true);
  Profile p = measure_profile(bench, scenario, power, clock, quiet);
  CHECK(p.models[1].accuracy == std::vector<double>{0, 0});
  const MeasuredAccuracy measured = measure_accuracy(bench, clock, quiet);
  take_accuracy(p, measured, "texts");
  CHECK(p.models[1].accuracy[0] == Approx(0.1));
  CHECK(p.models[1].accuracy[1] == Approx(0.2));
  p.host = "test";
  p.workload = "texts";
  p.check("test");
  const NetworkAccuracy stated = accuracy_to_state(p, 1, measured);
  CHECK(stated.top1 == std::vector<double>{0.1, 0.2});
  CHECK(stated.exact == std::vector<double>{0, 0});
  CHECK(stated.top5.empty());
}

TEST_CASE("a live input has the arrival, share, energy and answer of its replay", "[profiler][live]") {
  const std::vector<int> sizes = {10, 30, 5, 20, 20, 40, 5, 30, 10, 10};
  std::vector<int64_t> left = {3, 2, 1, 1, 4, 3, 2, 1, 2, 1};
  std::vector<Arrivals> kinds = {Arrivals::closed, Arrivals::open};
  SECTION("in groups") {}
  SECTION("alone") {
    left.assign(10, 1);
    // Two at once, a queue, a pause.
    kinds.push_back(Arrivals::at({5, 5, 5.02, 5.025, 5.03, 5.08, 5.081, 5.5, 5.51, 5.54, 5.6}));
  }
  const FakeTexts texts(sizes, "tokens", left);
  const Pace pace{0, 1e-3, 0};
  Recording recording;
  Profile& p = recording.profile;
  p.models = {{"whole", false, {0.2}, "assumed", ""}};
  p.caps_w = {100};
  p.latency = {{0.02, 0.02, 0.02, 0.02, 0}};
  p.active_power_w = {100};
  p.idle_power_w = 20;
  p.size_unit = "tokens";
  p.mean_size = 20;
  TruthTable& t = recording.truth;
  t.inputs = recording.planned_inputs = 10;
  t.rows = t.caps = 1;
  for (size_t n = 0; n < sizes.size(); ++n) {
    t.stage_end_s.push_back(1e-3 * sizes[n]);
    t.size.push_back(sizes[n]);
  }
  t.members_left = left;
  t.co_runner_on.assign(10, 0);
  t.top1.assign(10, 0);
  t.f1.assign(10, 0.1);

  for (const Arrivals& arrivals : kinds)
    for (const double deadline_s : {0.012, 0.0165, 0.031}) {
      FakeClock clock;
      FakeRuntime runtime(clock, {pace});
      NetworkBench bench(runtime, networks({1}), texts, in_order(10));
      const auto caps = make_emulated_cap(p.power_model);
      const auto meter = make_model_meter(p);
      Scenario scenario;
      CoRunnerControl co_runner(scenario, false);
      Goals goals;
      goals.deadline_s = deadline_s;
      LiveEnvironment live({p, bench, *caps, *meter, co_runner, clock}, goals, arrivals);
      ReplayEnvironment replay(recording, arrivals, deadline_s);
      for (int64_t n = 0; n < 10; ++n) {
        INFO("input " << n << ", deadline " << deadline_s);
        if (n % 4 == 2) clock.time_s += 0.5, live.begin_turn();  // others had theirs
        const Arrival a = live.arrive(n), b = replay.arrive(n);
        CHECK(a.arrival_s == Approx(b.arrival_s));
        CHECK(a.wait_s == Approx(b.wait_s).margin(1e-12));
        CHECK(a.deadline_from_arrival_s == Approx(b.deadline_from_arrival_s).margin(1e-12));
        CHECK(a.group_deadline_from_arrival_s == Approx(b.group_deadline_from_arrival_s).margin(1e-12));
        CHECK(a.idle_charged_s == Approx(b.idle_charged_s).margin(1e-12));
        CHECK(a.period_s == Approx(b.period_s).margin(1e-12));
        CHECK(live.size(n) == replay.size(n));
        const Outcome x = live.execute({0, 1, 0}, context_of(n, a, live.size(n))),
                      y = replay.execute({0, 1, 0}, context_of(n, b, replay.size(n)));
        CHECK(x.busy_s == Approx(y.busy_s));
        CHECK(x.latency_s == Approx(y.latency_s));
        CHECK(x.stage_delivered == y.stage_delivered);
        CHECK(*x.energy_j == Approx(*y.energy_j));
        REQUIRE((x.correct && y.correct));
        CHECK(*x.correct->f1 == Approx(*y.correct->f1));
        CHECK(x.correct->f1 == (x.stage_delivered ? 0.1 : 0.0));
      }
    }
}

TEST_CASE("networks that end between two refreshes of the counter are run until it tells their power",
          "[profiler][power]") {
  FakeMachine machine;
  one_package(machine);
  DrawingClock clock(machine);
  FakeRuntime runtime(clock, {{0.0005, 0, 0}});
  const FakeTexts texts({1, 1}, "");
  NetworkBench bench(runtime, networks({1}), texts, in_order(2));
  Scenario scenario;
  scenario.workload = "texts";
  scenario.caps_w = {50};
  scenario.profile_repetitions = 2;
  PowerBackend power = open_power({"rapl", machine.root(), "", scenario.caps_w, scenario.power_model}, clock);
  Progress quiet(true);
  const double start_s = clock.time_s;
  const Profile p = measure_profile(bench, scenario, power, clock, quiet);
  CHECK(p.active_power_of(0, 0) == Approx(55));
  CHECK(p.latency_of({0, 1, 0}).mean_s == Approx(0.0005));  // of the repetitions alone
  CHECK(clock.time_s > start_s + 1.01);                     // a second of idling, ten refreshes of 1 ms
}

TEST_CASE("with real counters power is measured: profile, live run, and caps that are not in force",
          "[profiler][live][power]") {
  FakeMachine machine;
  one_package(machine);
  const auto found = machine.caps();
  {
    DrawingClock clock(machine);
    FakeRuntime runtime(clock, {{0.02, 0, 0}});
    const FakeTexts texts({1, 1, 1, 1}, "");
    NetworkBench bench(runtime, networks({1}), texts, in_order(4));
    Scenario scenario;
    scenario.workload = "texts";
    scenario.caps_w = {50, 100};
    scenario.profile_repetitions = 3;
    PowerBackend power =
        open_power({"rapl", machine.root(), "", scenario.caps_w, scenario.power_model}, clock);
    Progress quiet(true);
    Profile p = measure_profile(bench, scenario, power, clock, quiet);
    CHECK(p.energy_source == "rapl");
    CHECK(p.power_backend == "rapl");
    CHECK(p.idle_power_w == Approx(20));
    CHECK(p.active_power_of(0, 0) == Approx(55));
    CHECK(p.active_power_of(0, 1) == Approx(85));
    CHECK(p.latency_of({0, 1, 0}).mean_s == Approx(0.02));  // the executor does not slow it as well
    CHECK(machine.caps() == found);
    p.check("test");

    const auto meter = power.make_meter(p);
    CoRunnerControl co_runner(scenario, false);
    Goals goals;
    goals.deadline_s = 0.1;
    LiveEnvironment live({p, bench, *power.caps, *meter, co_runner, clock}, goals, Arrivals::closed);
    for (int64_t n = 0; n < 4; ++n) {
      const Arrival a = live.arrive(n);
      const Outcome o = live.execute({0, 1, n < 2 ? 0 : 1}, context_of(n, a, 1));
      CHECK(*o.active_power_w == Approx(n < 2 ? 55 : 85));
      CHECK(*o.idle_power_w == Approx(20));
      CHECK(*o.energy_j == Approx((n < 2 ? 55 : 85) * 0.02 + 20 * 0.08));
    }
    CHECK(meter->facts()["windows"] == 4);
    CHECK(power.problems().empty());

    const CapCheck held = check_caps(bench, power, scenario.caps_w, clock);
    REQUIRE(held.caps.size() == 2);
    CHECK(held.caps[0].drawn_w == Approx(50));
    CHECK(held.caps[0].in_force == true);
    CHECK_FALSE(held.caps[1].in_force);  // 80 W are within 100 W anyway
    CHECK(held.problems().empty());
    CHECK(to_json(held)["caps"][1]["in_force"].is_null());
    CHECK(machine.caps() == found);

    clock.obeys = false;
    const CapCheck ignored = check_caps(bench, power, scenario.caps_w, clock);
    CHECK(ignored.caps[0].in_force == false);
    REQUIRE(ignored.problems().size() == 1);
    check_says(ignored.problems()[0], {"package-0 drew 80.0 W", "under a cap of 50 W", "not in force"});
  }
  CHECK(machine.caps() == found);
}

namespace {

// A network that gives the same scores whatever it is fed.
class FixedScores : public StagedModel {
 public:
  explicit FixedScores(std::vector<float> scores) : scores_(std::move(scores)) {}
  int stages() const override { return 1; }
  int blocks(int) const override { return 1; }
  void set_input(const NetworkInput&) override {}
  void run_block(int, int) override {}
  std::vector<float> scores(int) const override { return scores_; }

 private:
  std::vector<float> scores_;
};

class FixedRuntime : public InferenceRuntime {
 public:
  explicit FixedRuntime(std::vector<float> scores) : scores_(std::move(scores)) {}
  std::unique_ptr<StagedModel> load(const NetworkSpec&, int) override {
    return std::make_unique<FixedScores>(scores_);
  }
  nlohmann::ordered_json facts() const override { return {}; }

 private:
  std::vector<float> scores_;
};

}  // namespace

TEST_CASE("accuracy: scores that are no numbers count as a miss, and are told", "[profiler]") {
  const FakeTexts texts({7, 8}, "");
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    FixedRuntime runtime({0.5f, bad});
    NetworkBench bench(runtime, networks({1}), texts, in_order(2));
    CHECK(bench.problems().empty());
    for (const int64_t input : {1, 0}) {
      bench.feed(input);
      CHECK(bench.judge(0, 1)->f1 == 0.0);
    }
    REQUIRE(bench.problems().size() == 1);
    check_says(bench.problems()[0], {"\"net0\"", "NaN or infinite 2 times", "first on input \"1\""});
  }
  FixedRuntime sound({0.5f, 1e30f});
  NetworkBench bench(sound, networks({1}), texts, in_order(2));
  bench.feed(0);
  CHECK(bench.judge(0, 1)->f1 == Approx(0.15));
  CHECK(bench.problems().empty());
}

TEST_CASE("accuracy: every input counts once, however often it comes", "[profiler]") {
  const FakeTexts texts({7, 8, 9}, "");
  FixedRuntime runtime({0.5f});
  FakeClock clock;
  Progress quiet(true);
  NetworkBench repeated(runtime, networks({1}), texts, {2, 0, 1, 0, 2});
  CHECK(repeated.inputs() == 5);
  CHECK(repeated.different_inputs() == 3);
  CHECK(measure_accuracy(repeated, clock, quiet).inputs == 3);
  NetworkBench fewer(runtime, networks({1}), texts, {2, 0});
  CHECK(fewer.different_inputs() == 2);
}
