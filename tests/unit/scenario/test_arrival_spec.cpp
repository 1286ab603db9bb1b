// "arrivals" of a scenario: what is read, what is refused, and the times that come of it.
#include <fmt/format.h>

#include <cmath>

#include "base/sha256.h"
#include "catch.h"
#include "scenario/arrival_spec.h"
#include "scenario/scenario.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

json scenario_with(const json& arrivals, int inputs = 4) {
  return {{"schema_version", "1.0"},
          {"name", "s"},
          {"workload", {{"name", "fashion-mnist"}}},
          {"networks", "n.json"},
          {"goals", {{{"task", "min_error"}, {"deadline_s", 0.5}, {"power_limit_w", 40}}}},
          {"inputs", inputs},
          {"warmup_inputs", 0},
          {"arrivals", arrivals}};
}

Scenario read(const json& arrivals, int inputs = 4, const std::string& path = "dir/s.json") {
  return Scenario::from_json(scenario_with(arrivals, inputs), path);
}

std::string refusal(const json& arrivals, const std::string& path = "dir/s.json") {
  return message_of([&] { read(arrivals, 4, path); });
}

// A profile whose reference latency is 20 ms.
Profile profile() {
  Profile p;
  p.models = {{"one", false, {0.9}, "assumed", ""}};
  p.caps_w = {100};
  p.latency = {{0.02, 0.02, 0.02, 0.02, 0}};
  return p;
}

std::vector<double> times_of(const Scenario& s, int64_t inputs) {
  const Arrivals arrivals = s.arrivals.resolve(profile(), inputs, s.seeds.arrivals);
  REQUIRE(arrivals == Arrivals::timed);
  std::vector<double> times;
  for (int64_t n = 0; n < arrivals.count(); ++n) times.push_back(arrivals.time_s(n));
  return times;
}

}  // namespace

TEST_CASE("arrivals: closed and open are words, and stay words", "[scenario][arrivals]") {
  for (const char* kind : {"closed", "open"}) {
    for (const json& stated : {json(kind), json{{"kind", kind}}}) {
      const Scenario s = read(stated);
      CHECK(s.to_json()["arrivals"] == kind);
      CHECK_FALSE(s.to_json()["seeds"].contains("arrivals"));
      CHECK(s.arrivals.resolve(profile(), 4, 1) ==
            (std::string(kind) == "open" ? Arrivals::open : Arrivals::closed));
    }
  }
  CHECK(read(nullptr).to_json()["arrivals"] == "closed");
}

TEST_CASE("arrivals: a Poisson process depends on its seed and mean alone", "[scenario][arrivals]") {
  const Scenario s = read({{"kind", "poisson"}, {"mean_period_s", 0.05}});
  CHECK(s.to_json()["seeds"]["arrivals"] == 5);
  CHECK(Scenario::from_json(json::parse(s.to_json().dump()), "t.json").to_json() == s.to_json());
  const std::vector<double> times = times_of(s, 20'000), fewer = times_of(s, 100);
  REQUIRE(times.size() == 20'001);
  CHECK(times[0] == 0);
  for (size_t n = 0; n < fewer.size(); ++n) CHECK(fewer[n] == times[n]);
  double squares = 0;
  int shorter = 0;
  for (size_t n = 0; n + 1 < times.size(); ++n) {
    const double gap = times[n + 1] - times[n];
    REQUIRE(gap >= 0);
    squares += gap * gap;
    shorter += gap < 0.05 * std::log(2);
  }
  // Mean m, mean square 2 m^2, median m ln 2.
  CHECK(times.back() / 20'000 == Approx(0.05).epsilon(0.03));
  CHECK(squares / 20'000 == Approx(2 * 0.05 * 0.05).epsilon(0.06));
  CHECK(shorter / 20'000.0 == Approx(0.5).margin(0.015));

  json other = scenario_with({{"kind", "poisson"}, {"mean_period_s", 0.05}});
  other["seeds"]["arrivals"] = 6u;
  CHECK(times_of(Scenario::from_json(other, "s.json"), 10)[1] != times[1]);
  other["seeds"] = {{"inputs", 6u}, {"schedule", 7u}, {"co_runner", 8u}};
  CHECK(times_of(Scenario::from_json(other, "s.json"), 10)[9] == times[9]);
  const std::vector<double> relative = times_of(read({{"kind", "poisson"}, {"mean_period_x", 2.5}}), 10);
  for (size_t n = 0; n < relative.size(); ++n) CHECK(relative[n] == Approx(times[n]));  // 2.5 * 20 ms
}

TEST_CASE("arrivals: times from a file, relative to the first and as fast as asked", "[scenario][arrivals]") {
  const Folder folder;
  const std::string content =
      "# seconds\n1700000000.5\n\n1700000001.5 # the second\r\n1700000001.5\n1700000004.5\n";
  put(folder / "times.txt", content);
  const Scenario s = read({{"kind", "file"}, {"path", "times.txt"}, {"speed", 2}}, 3, folder / "s.json");
  CHECK(s.arrivals.kind == "list");
  CHECK(s.arrivals.read_from == folder / "times.txt");
  CHECK(s.arrivals.sha256 == sha256_of(content));
  CHECK(times_of(s, 3) == std::vector<double>{0, 0.5, 0.5, 2});
  CHECK(times_of(s, 2) == std::vector<double>{0, 0.5, 0.5});  // of a recording that is shorter

  const auto effective = s.to_json();
  CHECK(effective["arrivals"]["kind"] == "list");
  std::filesystem::remove(folder / "times.txt");
  const Scenario again = Scenario::from_json(json::parse(effective.dump()), "elsewhere/s.json");
  CHECK(again.to_json() == effective);
  CHECK(times_of(again, 3) == times_of(s, 3));
  const json faster = Scenario::override_json(json::parse(effective.dump()), {"arrivals.speed=4"});
  CHECK(times_of(Scenario::from_json(faster, "s.json"), 3)[3] == 1);

  put(folder / "table.csv", "# id, time\n7, 0.25, x\n8, 0.5, y\n9, 1.5, z\n10, 9, w\n");
  const json column = {{"kind", "file"}, {"path", "table.csv"}, {"column", 1}};
  CHECK(times_of(read(column, 2, folder / "s.json"), 2) == std::vector<double>{0, 0.25, 1.25});
}

TEST_CASE("arrivals: a path in an extended scenario stays beside that scenario", "[scenario][arrivals]") {
  const Folder folder;
  put(folder / "sub/times.txt", "0\n1\n2\n3\n");
  put(folder / "sub/base.json", scenario_with({{"kind", "file"}, {"path", "times.txt"}}).dump());
  put(folder / "s.json", R"({"extends": "sub/base.json"})");
  CHECK(Scenario::read(folder / "s.json", {}).arrivals.times_s.size() == 4);
}

TEST_CASE("arrivals: a power limit is over the mean period", "[scenario][arrivals]") {
  const auto budget = [&](const json& arrivals) {
    const Scenario s = read(arrivals);
    return *s.goals[0].resolve(profile(), s.arrivals.resolve(profile(), 4, s.seeds.arrivals)).energy_j;
  };
  CHECK(budget("closed") == Approx(40 * 0.5));
  CHECK(budget("open") == Approx(40 * 0.5));
  CHECK(budget({{"kind", "list"}, {"times_s", {1, 2, 3, 4, 9}}}) == Approx(40 * 2));
}

TEST_CASE("arrivals: what cannot be is refused with key, value and remedy", "[scenario][arrivals]") {
  check_says(refusal("sometimes"), {"dir/s.json: arrivals", "\"sometimes\"", "closed, open"});
  check_says(refusal({{"kind", "poison"}}), {"arrivals: kind", "did you mean \"poisson\""});
  check_says(refusal(json::object()), {"arrivals: kind"});
  check_says(refusal({{"kind", "poisson"}}), {"mean_period_s: set exactly one of mean_period_s"});
  check_says(refusal({{"kind", "poisson"}, {"mean_period_s", 1}, {"mean_period_x", 1}}), {"set exactly one"});
  check_says(refusal({{"kind", "poisson"}, {"mean_period_s", 0}}), {"mean_period_s", "0"});
  check_says(refusal({{"kind", "poisson"}, {"mean_period_s", 1}, {"speed", 2}}), {"speed: unknown key"});
  check_says(refusal({{"kind", "open"}, {"mean_period_s", 1}}), {"mean_period_s: unknown key"});
  check_says(refusal({{"kind", "file"}}), {"arrivals: path"});
  check_says(refusal({{"kind", "file"}, {"path", "absent.txt"}}), {"dir/absent.txt"});
  check_says(refusal({{"kind", "list"}, {"times_s", {0, 1, 2}}}),
             {"arrivals: times_s: 3 arrival times for 4 inputs", "--inputs 3"});
  check_says(refusal({{"kind", "list"}, {"times_s", {0, 2, 1, 3}}}), {"times_s[2]: 1 s is earlier", "2 s"});
  check_says(refusal({{"kind", "list"}, {"times_s", {0, 1, 2, 3}}, {"speed", 0}}), {"speed", "0"});

  const Folder folder;
  const auto of_file = [&](const std::string& content, const json& more = json::object()) {
    put(folder / "t.txt", content);
    json arrivals = {{"kind", "file"}, {"path", "t.txt"}};
    arrivals.update(more);
    return refusal(arrivals, folder / "s.json");
  };
  const std::string file = folder / "t.txt";
  check_says(of_file("0\n1\nnan\n3\n"), {file + ":3: \"nan\" is not a time in seconds"});
  check_says(of_file("0\ninf\n2\n3\n"), {file + ":2: \"inf\" is not a time"});
  check_says(of_file("0\n1\n1e400\n3\n"), {file + ":3: \"1e400\" is not a time"});
  check_says(of_file("0\n1s\n2\n3\n"), {file + ":2: \"1s\" is not a time", "#"});
  check_says(of_file("time_s\n0\n1\n2\n"), {file + ":1: \"time_s\" is not a time"});
  check_says(of_file("0\n\n2\n1.5\n3\n"),
             {file + ":4: 1.5 s is earlier than the time before it, 2 s", "sort"});
  check_says(of_file(""), {file + ": contains no time"});
  check_says(of_file("# nothing\n\n"), {file + ": contains no time"});
  check_says(of_file("0\n1\n2\n"), {file + ": 3 arrival times for 4 inputs", "--inputs 3"});
  check_says(of_file("0 1\n2 3\n"), {file + ":1: 2 values, expected one", "\"column\""});
  check_says(of_file("0 1\n2\n", {{"column", 1}}), {file + ":2: no column 1, only 1 values"});
  check_says(of_file("0\n1\n2\n3\n", {{"column", -1}}), {"column", "-1"});
  CHECK(of_file("0\n1\n2\n3\n").empty());
}
