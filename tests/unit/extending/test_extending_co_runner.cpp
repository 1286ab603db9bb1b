// The recipe for a co-runner in docs/extending.md, followed by one that counts.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "contention/co_runner.h"
#include "contention/kinds.h"
#include "extending/registered.h"
#include "scenario/scenario.h"
#include "support.h"

using namespace alertbench;

namespace {

class Count : public Kernel {
 public:
  explicit Count(uint64_t from) : at_(from) {}
  uint64_t step() override { return ++at_; }

 private:
  uint64_t at_;
};

std::unique_ptr<Kernel> make_count(const KernelSettings& settings) {
  return std::make_unique<Count>(settings.seed);
}

Scenario scenario_beside(const std::string& kind) {
  return Scenario::from_json({{"schema_version", "1.0"},
                              {"name", "made-up"},
                              {"workload", {{"name", "fashion-mnist"}}},
                              {"networks", "n.json"},
                              {"co_runner", {{"kind", kind}, {"workers", 2}}},
                              {"goals", {{{"task", "min_energy"}, {"deadline_s", 0.1}, {"accuracy", 0.5}}}}},
                             "test");
}

CoRunnerKind count_kind() {
  CoRunnerKind kind{"extending-count", Pinning::inference, "counts"};
  kind.unit = "numbers";
  kind.make_kernel = make_count;
  return kind;
}

CoRunnerSpec spec_of(const std::string& kind) {
  CoRunnerSpec spec;
  spec.workers = {{kind, -1, 0.5}};
  return spec;
}

}  // namespace

TEST_CASE("a co-runner of one kernel and one line of the registry steps", "[extending]") {
  check_says(message_of([] { make_kernel("extending-count", {}); }),
             {"extending-count", "unknown", "matrix"});
  const Registered count(co_runner_registry(), count_kind());
  KernelSettings settings;
  settings.seed = 40;
  const auto kernel = make_kernel("extending-count", settings);
  CHECK(kernel->step() == 41);
  CHECK(kernel->step() == 42);
  CHECK(scenario_beside("extending-count").co_runner_workers() == 2);
  CHECK_NOTHROW(make_co_runner(spec_of("extending-count"), "/no/generator"));  // runs nothing before start()
}

TEST_CASE("a kind of co-runner without a kernel is an error", "[extending]") {
  CoRunnerKind kind = count_kind();
  kind.make_kernel = nullptr;
  const Registered idle(co_runner_registry(), kind);
  for (const char* name : {"extending-count", "none", "command", "gpu-compute", "stress-ng-matrix"})
    check_says(message_of([&] { make_kernel(name, {}); }), {name, "no load of ours on the processor"});
  check_says(message_of([] { make_co_runner(spec_of("extending-count"), "/no/generator"); }),
             {"extending-count", "not one of our loads"});
  CHECK_THROWS_AS(scenario_beside("extending-count"), InputError);  // it has no workers
}

TEST_CASE("every load of ours on the processor works", "[extending]") {
  int kernels = 0;
  for (const CoRunnerKind& kind : co_runner_kinds()) {
    CAPTURE(kind.name);
    CHECK(kind.own() == !kind.unit.empty());
    if (!kind.make_kernel) continue;
    ++kernels;
    KernelSettings settings;
    settings.buffer_bytes = 1 << 20;
    CHECK(make_kernel(kind.name, settings)->step() > 0);
  }
  CHECK(kernels >= 3);
}
