// Schedulers in shared objects, see include/alert_bench/scheduler.h.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "core/goal_judge.h"
#include "evaluation/cell.h"
#include "plugins/external_schedulers.h"
#include "plugins/plugin_scheduler.h"
#include "recording/replay_environment.h"
#include "schedulers/step.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

std::string plugin(const std::string& name) {
  return "lib:" + std::string(ALERT_PLUGINS) + "/scheduler-" + name + ".so";
}

std::unique_ptr<Scheduler> open_odd(const Profile& profile, const std::string& what) {
  return make_any_scheduler(plugin("odd"), "lib-odd", {profile, fixture::min_energy(0.1, 0.5)},
                            {{"do", what}}, "s.json: scheduler_settings");
}

// How many decisions of two schedulers differ, and how many there are, over all settings of a grid.
std::pair<int, int> differences(const Recording& recording, const std::string& a, const std::string& b,
                                const json& settings) {
  const Scenario scenario = scenario_of(recording, "test");
  const Arrivals arrivals =
      scenario.arrivals.resolve(recording.profile, recording.truth.inputs, scenario.seeds.arrivals);
  int differ = 0, decisions = 0;
  for (const Task task : {Task::min_energy, Task::min_error})
    for (const GoalSpec& spec : goal_grid(recording.profile, task, {}, GridSpec().judging(scenario))) {
      const Goals goals = spec.resolve(recording.profile, arrivals);
      const SchedulerInputs inputs{recording.profile, goals, nullptr, arrivals};
      const auto one = make_any_scheduler(a, "a", inputs, settings, "test"),
                 other = make_any_scheduler(b, "b", inputs, settings, "test");
      ReplayEnvironment first(recording, arrivals, goals.deadline_s),
          second(recording, arrivals, goals.deadline_s);
      for (int64_t input = 0; input < recording.truth.inputs; ++input) {
        const Step x = step(*one, first, input, nullptr), y = step(*other, second, input, nullptr);
        differ += !(x.configuration == y.configuration) ||
                  one->prediction()->energy_j != other->prediction()->energy_j;
        ++decisions;
      }
    }
  return {differ, decisions};
}

}  // namespace

TEST_CASE("ALERT decides the same, to the last bit, behind the interface of shared objects", "[plugin]") {
  const std::string folder = ALERT_SOURCE_DIR "/results/reference/recordings/";
  const std::string name =
      GENERATE("fashion-mnist-compute-2-seed1", "ptb-compute-2-seed1", "ptb-memory-1-seed1");
  const json settings = GENERATE(json::object(), json{{"preset", "tuned"}, {"goal_window", 10}});
  const Recording recording = Recording::load(folder + name);
  const auto [differ, decisions] = differences(recording, "alert", plugin("alert"), settings);
  INFO(name << " " << settings.dump());
  CHECK(differ == 0);
  CHECK(decisions >= 72 * 300);
}

TEST_CASE("settings reach a plug-in, and what it says of bad ones the user", "[plugin]") {
  const Profile p = fixture::mixed();
  check_says(message_of([&] {
               make_any_scheduler(plugin("alert"), "lib-alert", {p, fixture::min_energy(0.1, 0.5)},
                                  {{"preset", "tund"}}, "s.json: scheduler_settings: lib");
             }),
             {"s.json: scheduler_settings: lib: ", "preset", "tund"});
  check_says(message_of([&] { open_odd(p, "refuse"); }),
             {"s.json: scheduler_settings", "these goals are not for me"});
}

TEST_CASE("the example in C takes the least cap that is fast enough", "[plugin]") {
  const Profile p = fixture::mixed();  // "any" is the fastest: 0.045 s at 100 W
  const auto fastest = make_any_scheduler(plugin("fastest"), "lib-fastest",
                                          {p, fixture::min_energy(0.1, 0.5)}, {{"slack", 1.5}}, "test");
  CHECK(fastest->decide({0, 0.1, 0.1}) == Configuration{2, 1, 2});    // 1.5 * 0.05625 s at 80 W
  CHECK(fastest->decide({1, 0.2, 0.2}) == Configuration{2, 1, 0});    // 1.5 * 0.1125 s at 40 W
  CHECK(fastest->decide({2, 0.01, 0.01}) == Configuration{2, 1, 3});  // hopeless
  CHECK_FALSE(fastest->prediction());
  CHECK_FALSE(fastest->decides_elsewhere());
}

TEST_CASE("a shared object that is no scheduler is refused with a remedy", "[plugin]") {
  const auto said = [](const std::string& name) {
    return message_of([&] { check_external_schedulers({plugin(name)}, true, "s.json"); });
  };
  check_says(said("of-another-version"), {"s.json: schedulers: lib:", "of-another-version.so",
                                          "version 7 of the interface", "has version 1", "build it again"});
  check_says(said("without-decide"), {"without-decide.so", "has no decide"});
  check_says(said("too-small"), {"too-small.so", "8 bytes", "struct_size"});
  check_says(said("without-entry"), {"without-entry.so", "no function alert_bench_scheduler"});
  check_says(said("nowhere"), {"nowhere.so", "cannot be loaded"});
  CHECK(said("odd") == "");
}

TEST_CASE("a decision that does not exist ends the run", "[plugin]") {
  const Profile p = fixture::mixed();
  const auto said = [&](const std::string& what) {
    auto odd = open_odd(p, what);
    CHECK(odd->decide({1, 0.1, 0.1}) == Configuration{0, 1, 3});
    return message_of<RunError>([&] { odd->decide({2, 0.1, 0.1}); });
  };
  CHECK(said("behave") == "");
  check_says(said("network"), {"scheduler-odd.so: input 2: decided on network 1000, but they are 0 to 2"});
  check_says(said("stage"), {"input 2: decided on stage 0 of small, but its stages are 1 to 1"});
  check_says(said("cap"), {"input 2: decided on cap -1, but they are 0 to 3"});
  check_says(said("oracle"), {"input 2: predicted", "an accuracy of 2"});
  check_says(said("fail"), {"input 2: decide() failed with 7"});

  auto predicting = open_odd(p, "predict");
  predicting->decide({0, 0.1, 0.1});
  CHECK_FALSE(predicting->prediction());
  predicting->decide({2, 0.1, 0.1});
  REQUIRE(predicting->prediction());
  CHECK(predicting->prediction()->latency_s == 0.25);
  CHECK(std::isnan(predicting->prediction()->energy_j));
}
