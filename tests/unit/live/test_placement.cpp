#include "live/placement.h"
#include "support.h"

using namespace alertbench;

namespace {

Scenario with(const std::string& co_runner, int threads = 1) {
  Scenario s;
  s.path = "s.json";
  s.co_runner.kind = co_runner;
  s.threads = threads;
  return s;
}

struct Chosen {
  int inference, other;
  bool operator==(const Chosen& o) const { return inference == o.inference && other == o.other; }
};

}  // namespace

TEST_CASE("placement: what a scenario does not name is chosen from what may be used", "[placement]") {
  const Folder empty;
  const auto chosen = [&](const Scenario& s, const std::vector<int>& allowed) {
    const Placement p = choose_processors(s, allowed, empty.path);
    return Chosen{p.scenario.inference_cpu, p.scenario.other_cpu};
  };
  CHECK(chosen(with("memory"), {0, 1, 2, 3}) == Chosen{0, 1});
  CHECK(chosen(with("memory"), {5, 9}) == Chosen{5, 9});
  CHECK(chosen(with("compute"), {7}) == Chosen{7, -1});
  CHECK(chosen(with("memory", 2), {1, 4, 5, 9}) == Chosen{4, 1});
  // No two in a row: within what is allowed, the kernel decides.
  const Placement spread = choose_processors(with("none", 2), {1, 3}, empty.path);
  CHECK(spread.scenario.inference_cpu == -1);
  REQUIRE(spread.notes.size() == 1);
  check_says(spread.notes[0], {"no 2 consecutive processors", "1,3"});
  Scenario named = with("memory");
  named.inference_cpu = 3, named.inference_cpu_named = true;
  CHECK(chosen(named, {2, 3}) == Chosen{3, 2});
  named.other_cpu = -1, named.other_cpu_named = true;
  CHECK(chosen(named, {3}) == Chosen{3, -1});
}

TEST_CASE("placement: what may not be used is refused, with key, processors and mend", "[placement]") {
  const Folder empty;
  const auto refused = [&](const Scenario& s, const std::vector<int>& allowed,
                           std::initializer_list<const char*> parts) {
    const std::string message =
        message_of<EnvironmentError>([&] { choose_processors(s, allowed, empty.path); });
    for (const char* part : parts) CHECK_THAT(message, Catch::Matchers::ContainsSubstring(part));
  };
  Scenario s = with("compute");
  s.inference_cpu_named = true;
  refused(s, {1, 2, 3, 8},
          {"s.json: placement: inference_cpu: processor 0 cannot be used", "may use are 1-3,8",
           "--set placement.inference_cpu=N"});
  s.threads = 2, s.inference_cpu = 3;
  refused(s, {1, 2, 3, 8}, {"processors 3 to 4 cannot all be used"});
  s.threads = 5;
  refused(s, {1, 2, 3, 8}, {"placement: threads: 5 threads", "--set placement.threads=4"});
  refused(with("memory"), {1},
          {"placement: other_cpu", "\"memory\" needs a processor beside", "--set placement.other_cpu=-1"});
  Scenario other = with("memory");
  other.other_cpu = 6, other.other_cpu_named = true;
  refused(other, {1, 2}, {"other_cpu: processor 6 cannot be used"});
  other.co_runner.kind = "compute";  // needs none
  CHECK_NOTHROW(choose_processors(other, {1, 2}, empty.path));
  Scenario harness = with("none");
  harness.harness_cpu = 4;
  refused(harness, {1, 2}, {"harness_cpu: processor 4 cannot be used"});
}

TEST_CASE("placement: threads of one core are told, and another core is preferred", "[placement]") {
  Folder root;
  const auto core = [&](int cpu, const std::string& list) {
    put(root / ("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list"),
        list + "\n");
  };
  for (int cpu : {0, 1}) core(cpu, "0-1");
  for (int cpu : {2, 3}) core(cpu, "2,3");
  CHECK(threads_of_core(0, root.path) == std::vector<int>{0, 1});
  CHECK(threads_of_core(3, root.path) == std::vector<int>{2, 3});
  CHECK(threads_of_core(9, root.path).empty());
  const Placement apart = choose_processors(with("memory"), {0, 1, 2, 3}, root.path);
  CHECK(apart.scenario.other_cpu == 2);
  CHECK(apart.notes.empty());
  const Placement together = choose_processors(with("memory"), {0, 1}, root.path);
  CHECK(together.scenario.other_cpu == 1);
  REQUIRE(together.notes.size() == 1);
  check_says(together.notes[0], {"processor 1 of the co-runner is a thread of the core"});
  const Placement two = choose_processors(with("none", 2), {0, 1, 2, 3}, root.path);
  REQUIRE(two.notes.size() == 1);
  check_says(two.notes[0], {"processors 0 and 1 of the inference are threads of one core"});
}

TEST_CASE("placement: lists of processors", "[placement]") {
  CHECK(cpu_list({}) == "");
  CHECK(cpu_list({3}) == "3");
  CHECK(cpu_list({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
}
