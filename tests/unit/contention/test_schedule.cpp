#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "catch.h"
#include "contention/schedule.h"
#include "support.h"

using namespace alertbench;

namespace {

std::string drawn(const std::vector<bool>& on) {
  std::string text;
  for (bool flag : on) text += flag ? '#' : '.';
  return text;
}

struct Spells {
  std::vector<int> on, off;  // lengths, without the cut-off last one
};

Spells spells(const std::vector<bool>& flags) {
  Spells s;
  size_t first = 0;
  for (size_t i = 1; i < flags.size(); ++i)
    if (flags[i] != flags[first]) {
      (flags[first] ? s.on : s.off).push_back(static_cast<int>(i - first));
      first = i;
    }
  return s;
}

double mean(const std::vector<int>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

}  // namespace

TEST_CASE("splitmix64 gives the published sequence", "[contention]") {
  Random random(1234567);
  CHECK(random.next() == 6457827717110365317u);
  CHECK(random.next() == 3203168211198807973u);
}

TEST_CASE("a random schedule is the same everywhere", "[contention]") {
  ScheduleSpec spec;
  spec.mean_on_inputs = 6;
  spec.mean_off_inputs = 4;
  CHECK(drawn(make_schedule(spec, 60, 1)) == "....#######......######....########......######...########..");
  CHECK(drawn(make_schedule(spec, 60, 2)) == "....#######....########...#####.....#######...#######...####");
}

TEST_CASE("random spells keep their means and bounds", "[contention]") {
  ScheduleSpec spec;
  spec.mean_on_inputs = 30;
  spec.mean_off_inputs = 10;
  const Spells s = spells(make_schedule(spec, 100'000, 7));
  CHECK(mean(s.on) == Approx(30).epsilon(0.03));
  CHECK(mean(s.off) == Approx(10).epsilon(0.03));
  CHECK(*std::min_element(s.on.begin(), s.on.end()) == 15);
  CHECK(*std::max_element(s.on.begin(), s.on.end()) == 45);
}

TEST_CASE("a short random schedule still has both phases, off first", "[contention]") {
  for (auto [on, off] : {std::pair<double, double>{20, 20}, {1, 1}, {1, 30}, {30, 1}, {2.5, 17.5}})
    for (uint64_t seed = 0; seed < 200; ++seed) {
      ScheduleSpec spec;
      spec.mean_on_inputs = on;
      spec.mean_off_inputs = off;
      const std::vector<bool> flags = make_schedule(spec, static_cast<int>(std::ceil(on + off)), seed);
      REQUIRE_FALSE(flags.front());
      REQUIRE(std::count(flags.begin(), flags.end(), true) > 0);
    }
}

TEST_CASE("always, never and listed schedules", "[contention]") {
  ScheduleSpec spec;
  spec.kind = "always";
  CHECK(drawn(make_schedule(spec, 3, 1)) == "###");
  spec.kind = "never";
  CHECK(drawn(make_schedule(spec, 3, 1)) == "...");
  CHECK(make_schedule(spec, 0, 1).empty());
  spec.kind = "list";
  spec.on_ranges = {{1, 3}, {3, 4}, {6, 100}};
  CHECK(drawn(make_schedule(spec, 8, 1)) == ".###..##");
  CHECK(drawn(make_schedule(spec, 2, 1)) == ".#");
}

TEST_CASE("schedules that make no sense are refused", "[contention]") {
  auto refused = [](auto change) {
    ScheduleSpec spec;
    change(spec);
    CHECK_THROWS_AS(make_schedule(spec, 10, 1), InputError);
  };
  refused([](ScheduleSpec& s) { s.kind = "sometimes"; });
  refused([](ScheduleSpec& s) { s.mean_on_inputs = 0.5; });
  refused([](ScheduleSpec& s) { s.mean_off_inputs = NAN; });
  refused([](ScheduleSpec& s) { s.on_ranges = {{1, 2}}; });
  for (auto ranges : std::vector<std::vector<std::pair<int, int>>>{{{-1, 2}}, {{2, 2}}, {{3, 6}, {5, 8}}})
    refused([&](ScheduleSpec& s) { s.kind = "list", s.on_ranges = ranges; });
  CHECK_THROWS_AS(make_schedule({}, -1, 1), InputError);
}

TEST_CASE("seconds on and off become the same inputs whatever the rounding", "[contention]") {
  ScheduleSpec spec;
  spec.kind = "time";
  spec.on_s = 0.3;
  spec.off_s = 0.2;
  spec.period_s = 0.1;
  CHECK(drawn(make_schedule(spec, 12, 1)) == "..###..###..");
  CHECK(make_schedule(spec, 12, 1) == make_schedule(spec, 12, 2));
  // Spells that no whole number of periods fits: their shares hold over the run.
  spec.on_s = 0.15;
  spec.off_s = 0.1;
  CHECK(drawn(make_schedule(spec, 10, 1)) == ".##.#.##.#");
  for (double period_s : {0.1, 1.0 / 3, 0.007, 40e-6}) {
    spec.period_s = period_s;
    spec.off_s = 3 * period_s;
    spec.on_s = 7 * period_s;
    const std::vector<bool> on = make_schedule(spec, 100'000, 1);
    for (size_t n = 0; n < on.size(); ++n)
      if (on[n] != (n % 10 >= 3)) FAIL("input " << n << " at a period of " << period_s);
  }
  for (double wrong : {0.0, 0.05, -1.0, double(NAN), double(INFINITY)}) {
    spec.period_s = 0.1;
    spec.off_s = 1;
    spec.on_s = wrong;
    check_says(message_of([&] { make_schedule(spec, 10, 1); }), {"on_s", "at least one period"});
  }
  spec.on_s = 1;
  spec.period_s = 0;
  check_says(message_of([&] { make_schedule(spec, 10, 1); }), {"period_s"});
}

TEST_CASE("ranges of a file, as text and as JSON", "[contention]") {
  using Ranges = std::vector<std::pair<int, int>>;
  const Ranges expected{{1, 3}, {3, 4}, {6, 100}};
  for (const std::string text : {"1 3\n3,4\n\n# phases\n  6 ,\t100  # to the end\r\n",
                                 "[[1, 3], [3, 4], [6, 100]]\n", "\n [[1,3],[3,4],[6,100]]"}) {
    const TemporaryFile file(text);
    CHECK(read_on_ranges(file.path) == expected);
  }
  CHECK(on_ranges_of({false, true, true, false, true}) == Ranges{{1, 3}, {4, 5}});
  CHECK(on_ranges_of({}).empty());

  const auto refused = [](const std::string& text, const std::vector<std::string>& parts) {
    const TemporaryFile file(text);
    const std::string message = message_of([&] { read_on_ranges(file.path); });
    check_says(message, parts);
    check_says(message, {file.path});
  };
  refused("1 3\n\n5\n", {":3: ", "two input numbers", "\"5\""});
  refused("1 3 5\n", {":1: ", "two input numbers"});
  refused("1 3\n4 x\n", {":2: ", "4 x"});
  refused("1 99999999999\n", {":1: "});
  refused("1.5 3\n", {":1: "});
  refused("1 3\n2 5\n", {":2: ", "[2, 5) after input 3", "disjoint"});
  refused("3 3\n", {":1: ", "first < end"});
  refused("-1 3\n", {":1: ", "from 0 up"});
  refused("[[1, 3], [2]]", {"entry 1", "a pair", "[2]"});
  refused("[[1, 3], [2, 5]]", {"entry 1", "after input 3"});
  refused("[[1, 3.5]]", {"entry 0"});
  refused("[[1, 3000000000]]", {"entry 0"});
  refused("[[1, 3]", {"line 1"});
  refused("{\"on_ranges\": []}", {"a list of pairs"});
  refused("# nothing\n", {"no range", "never"});
  refused("", {"no range"});
  check_says(message_of([] { read_on_ranges("/nonexistent/phases.txt"); }), {"/nonexistent/phases.txt"});
}
