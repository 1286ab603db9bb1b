// The recipe for a scheduler in docs/extending.md, followed by one that nobody would want.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.h"
#include "evaluation/cell.h"
#include "extending/registered.h"
#include "recording/recording.h"
#include "runner/scheduler_matrix.h"
#include "scenario/scenario.h"
#include "schedulers/registry.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;

namespace {

struct PeekerSettings {
  int cap = 0;

  static PeekerSettings read(JsonReader reader) {
    PeekerSettings s;
    s.cap = reader.integer("cap", s.cap, 0, 3);
    reader.finish();
    return s;
  }
  nlohmann::ordered_json to_json() const { return {{"cap", cap}}; }
};

// Knows the truth, though its name does not say so: a cap of its settings where the first network keeps the
// deadline, else the highest.
class Peeker : public Scheduler {
 public:
  Peeker(const SchedulerInputs& inputs, const PeekerSettings& settings)
      : truth_(*inputs.truth), settings_(settings) {}
  Configuration decide(const Context& context) override {
    const bool in_time = truth_.end_s(context.input, 0, settings_.cap) <= context.deadline_from_start_s;
    return {0, 1, in_time ? settings_.cap : truth_.caps - 1};
  }
  void observe(const Observation&) override { ++observed_; }

 private:
  const TruthTable& truth_;
  PeekerSettings settings_;
  int observed_ = 0;
};

// Sees no truth, and checks that it sees none, but is told how many inputs will come.
class Blind : public Scheduler {
 public:
  explicit Blind(const SchedulerInputs& inputs) {
    CHECK(inputs.truth == nullptr);
    CHECK(inputs.total_inputs == 12);
  }
  Configuration decide(const Context&) override { return {}; }
  void observe(const Observation&) override {}
};

// Every second input is disturbed.
Recording disturbed_recording() {
  Recording r;
  r.profile = fixture::mixed();
  std::vector<double> slowdown;
  for (int n = 0; n < 12; ++n) {
    slowdown.push_back(n % 2 ? 1.8 : 1.0);
    r.input_ids.push_back(std::to_string(n));
  }
  r.truth = fixture::truth_of(r.profile, slowdown);
  r.planned_inputs = r.truth.inputs;
  r.info["scenario"] = {{"schema_version", "1.0"},
                        {"name", "made-up"},
                        {"workload", {{"name", "fashion-mnist"}}},
                        {"networks", "n.json"},
                        {"inputs", 12},
                        {"warmup_inputs", 2},
                        {"schedulers", {"extending-peeker", "extending-blind"}},
                        {"scheduler_settings", {{"extending-peeker", {{"cap", 1}}}}},
                        {"goals", {{{"task", "min_energy"}, {"deadline_s", 0.1}, {"accuracy", 0.5}}}}};
  return r;
}

}  // namespace

TEST_CASE("a scheduler of one class and one line of the registry takes part in a replay", "[extending]") {
  const Recording recording = disturbed_recording();
  CHECK(contains(message_of([&] { scenario_of(recording, "test"); }), "extending-peeker"));

  const Registered peeker(scheduler_registry(), scheduler_entry<Peeker, PeekerSettings>(
                                                    {"extending-peeker", "peeks", true, false, false}));
  const Registered blind(scheduler_registry(), scheduler_entry<Blind, NoSettings>(
                                                   {"extending-blind", "sees nothing", false, false, false}));
  CHECK(known_schedulers().back().name == "extending-blind");
  CHECK(knows_truth("extending-peeker"));
  CHECK_FALSE(knows_truth("extending-blind"));

  const Scenario scenario = scenario_of(recording, "test");
  Folder folder;
  const Experiment experiment(scenario, recording, "profile", folder.path);
  const std::vector<Summary> summaries = run_replay(experiment, recording.truth.inputs).summaries();
  REQUIRE(summaries.size() == 2);
  CHECK(summaries[0].scheduler == "extending-peeker");
  CHECK(summaries[0].inputs == 10);
  CHECK(summaries[0].late_share == 0.0);
  CHECK(*summaries[1].late_share == 1.0);  // 0.05 s at 100 W are 0.125 s under the lowest cap
  const std::string trace = content_of(folder / "extending-peeker.goal-1.replay.jsonl");
  CHECK(contains(trace, "\"status\":\"complete\""));

  CellRequest request;
  request.schedulers = {"extending-blind"};
  CHECK(evaluate_cell(recording, scenario, "", Task::min_energy, request).settings.size() == 36);
}
