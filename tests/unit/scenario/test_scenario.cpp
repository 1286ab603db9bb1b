#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "catch.h"
#include "models/network_file.h"
#include "scenario/scenario.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

json minimal() {
  return {{"schema_version", "1.0"},
          {"name", "s"},
          {"workload", {{"name", "fashion-mnist"}}},
          {"networks", "n.json"},
          {"goals", {{{"task", "min_energy"}, {"deadline_x", 1.0}, {"accuracy", 0.9}}}}};
}

std::string message(const json& j) {
  return message_of([&] { Scenario::from_json(j, "dir/s.json"); });
}

}  // namespace

TEST_CASE("Defaults fill a minimal scenario, and the effective one reads back as itself", "[scenario]") {
  const Scenario s = Scenario::from_json(minimal(), "dir/s.json");
  REQUIRE(s.networks == "dir/n.json");
  REQUIRE(s.schedulers.size() >= 9);
  REQUIRE(s.co_runner.kind == "none");
  const json effective = json::parse(s.to_json().dump());
  REQUIRE(Scenario::from_json(effective, "s.json").to_json().dump() ==
          Scenario::from_json(effective, "s.json").to_json().dump());
  json moved = effective;
  REQUIRE(json::parse(Scenario::from_json(moved, "").to_json().dump()) == effective);
}

TEST_CASE("Every shipped scenario and network file is sound", "[scenario]") {
  const std::filesystem::path root = ALERT_SOURCE_DIR;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "scenarios")) {
    if (entry.path().extension() != ".json" || entry.path().stem().extension() == ".schema") continue;
    const Scenario s = Scenario::read(entry.path().string(), {});
    REQUIRE(s.name == entry.path().stem().string());
    REQUIRE(NetworkFile::read(s.networks).workload == s.workload);
    ++count;
  }
  REQUIRE(count >= 7);
}

TEST_CASE("A network file has at most 1000 networks", "[scenario]") {
  json j = read_json_file(ALERT_SOURCE_DIR "/networks/squad.json");
  j["networks"] = std::vector<json>(1001, j["networks"][0]);
  const TemporaryFile file(j.dump());
  CHECK(contains(message_of([&] { NetworkFile::read(file.path); }),
                 "networks: has 1001 entries; the limit is 1000"));
}

TEST_CASE("A scenario's mistakes are named with file, key, value and mend", "[scenario]") {
  json j = minimal();
  j["inputz"] = 3;
  REQUIRE(contains(message(j), "dir/s.json: inputz: unknown key, did you mean \"inputs\"?"));
  for (const char* list : {"candidates", "schedulers"}) {
    j = minimal();
    j[list] = {"alert", "oracle", "alert"};
    CHECK(contains(message(j), fmt::format("dir/s.json: {}: duplicate \"alert\"", list)));
  }
  j = minimal();
  j["power"] = {{"sensors", {"cpu", "cpu"}}};  // whose energy would be added up
  CHECK(contains(message(j), "power: sensors: duplicate \"cpu\""));
  j = minimal();
  j["inputs"] = "many";
  REQUIRE(contains(message(j), "inputs: expected a whole number, found \"many\""));
  j = minimal();
  j["goals"][0]["deadline_s"] = 0.1;
  REQUIRE(contains(message(j), "goals[0]: deadline_s: set exactly one of deadline_s"));
  j = minimal();
  j["goals"][0].erase("accuracy");
  REQUIRE(contains(message(j), "min_energy requires an accuracy goal"));
  j = minimal();
  j["schedulers"] = {"alrt"};
  REQUIRE(contains(message(j), "alert"));
  j = minimal();
  j["scheduler_settings"] = json::array();
  REQUIRE(contains(message(j), "scheduler_settings: expected an object"));
  j["scheduler_settings"] = json::object();
  j["scheduler_settings"]["alert"]["presett"] = "tuned";
  REQUIRE(contains(message(j), "did you mean \"preset\"?"));
  j = minimal();
  j["power"]["caps_w"] = {50, 35};
  REQUIRE(contains(message(j), "the caps must be in ascending order"));
  j = minimal();
  j["power"]["caps_w"] = {20, 35};
  REQUIRE(contains(message(j), "20 W is not above the model's static_w"));
  j = minimal();
  j["co_runner"] = {{"kind", "command"}};
  REQUIRE(contains(message(j), "co_runner: command: is missing"));
  j = minimal();
  j["warmup_inputs"] = 100;
  j["inputs"] = 100;
  REQUIRE(contains(message(j), "leave some inputs to measure"));
  j = minimal();
  j["goals"][0]["name"] = "../x";
  REQUIRE(contains(message(j), "part of a file name"));
}

TEST_CASE("Many goals are read in time that grows with their number", "[scenario]") {
  json j = minimal();
  for (int n = 0; n < 5'000; ++n) {
    j["goals"].push_back(j["goals"][0]);
    j["goals"].back()["name"] = "g" + std::to_string(n);
  }
  CHECK(Scenario::from_json(j, "s.json").goals.size() == 5'001);
  j["goals"].back()["name"] = "g0";
  CHECK(contains(message(j), "goals[5000]: name: duplicate name \"g0\""));
}

TEST_CASE("Co-runners take the keys that mean something to them", "[scenario]") {
  json j = minimal();
  const auto said = [&](json co_runner) {
    j["co_runner"] = std::move(co_runner);
    return message_of([&] { Scenario::from_json(j, "s.json"); });
  };
  check_says(said({{"kind", "disk"}}), {"co_runner: kind", "disk", "matrix", "stress-ng-memory"});
  check_says(said({{"kind", "compute"}, {"workers", 3}}), {"co_runner: workers", "3"});
  check_says(said({{"kind", "compute"}, {"period_s", 0}}), {"co_runner: period_s", "0.0001"});
  check_says(said({{"kind", "compute"}, {"priority", "high"}}), {"co_runner: priority", "high", "real-time"});
  check_says(said({{"kind", "compute"}, {"priority", "real-time"}, {"duty", 0.95}}),
             {"co_runner: duty", "0.95", "at most 0.9"});
  check_says(said({{"kind", "command"}, {"command", {"true"}}, {"period_s", 0.01}}),
             {"co_runner: period_s", "does not apply to \"command\""});
  check_says(said({{"kind", "gpu-compute"}, {"priority", "real-time"}}),
             {"co_runner: priority", "does not apply to \"gpu-compute\""});
  check_says(said({{"kind", "command"}, {"command", {"true"}}, {"workers", 1}}),
             {"co_runner: workers", "does not apply to \"command\""});
  check_says(said({{"kind", "stress-ng-compute"}, {"slowdown", 1.3}}),
             {"co_runner: slowdown", "is only measured"});
  check_says(said({{"kind", "stress-ng-memory"}, {"duty", 0.5}}),
             {"co_runner: duty", "stress-ng-compute", "\"memory\", which keeps a duty"});
  check_says(said({{"kind", "gpu-memory"}}),
             {"co_runner: kind", "gpu-memory", "placement.device is \"cpu\"", "--device cuda"});

  const auto effective = [&] { return Scenario::from_json(j, "s.json").to_json(); };
  const auto same_when_read_again = [&] {
    const json once = json::parse(effective().dump());
    return json::parse(Scenario::from_json(once, "s.json").to_json().dump()) == once;
  };
  CHECK(said({{"kind", "stress-ng-compute"}, {"slowdown", nullptr}, {"duty", 0.5}, {"workers", 2}}) == "");
  CHECK(effective()["co_runner"]["slowdown"].is_null());
  CHECK(effective()["co_runner"]["workers"] == 2);
  CHECK(same_when_read_again());
  CHECK(said({{"kind", "memory"}}) == "");
  CHECK(effective()["co_runner"]["workers"] == 2);
  CHECK(effective()["co_runner"]["slowdown"] == 1.3);
  CHECK(same_when_read_again());
  CHECK(said({{"kind", "compute"}, {"period_s", 0.0003}, {"priority", "real-time"}}) == "");
  CHECK(effective()["co_runner"]["period_s"] == 0.0003);
  CHECK(effective()["co_runner"]["priority"] == "real-time");
  CHECK(same_when_read_again());
  CHECK(said({{"kind", "none"}, {"period_s", 0.0003}, {"priority", "real-time"}}) == "");
  CHECK_FALSE(effective()["co_runner"].contains("workers"));
  CHECK_FALSE(effective()["co_runner"].contains("priority"));
  CHECK(same_when_read_again());
  j["placement"] = {{"device", "cuda"}};
  CHECK(said({{"kind", "gpu-memory"}}) == "");
  CHECK(effective()["co_runner"]["workers"] == 1);
  j["placement"]["threads"] = 2;
  check_says(said({{"kind", "gpu-memory"}}), {"placement: other_cpu: 1 is a processor of the inference",
                                              "from 0 on, 2 in all", "gpu-memory"});
  CHECK(said({{"kind", "memory"}}) == "");
  for (const auto& [key, value] : {std::pair{"other_cpu", 2}, {"other_cpu", -1}, {"inference_cpu", -1}}) {
    j["placement"] = {{"device", "cuda"}, {"threads", 2}, {key, value}};
    CHECK(said({{"kind", "gpu-memory"}}) == "");
  }
}

TEST_CASE("Processors that a scenario does not name stay unnamed", "[scenario]") {
  json j = minimal();
  const Scenario s = Scenario::from_json(j, "s.json");
  CHECK_FALSE((s.inference_cpu_named || s.other_cpu_named || s.schedulers_named));
  CHECK(s.to_json()["placement"]["inference_cpu"].is_null());
  const Scenario again = Scenario::from_json(json::parse(s.to_json().dump()), "s.json");
  CHECK_FALSE(again.inference_cpu_named);
  j["placement"] = {{"inference_cpu", 0}, {"other_cpu", -1}};
  const Scenario named = Scenario::from_json(j, "s.json");
  CHECK((named.inference_cpu_named && named.other_cpu_named));
  CHECK(named.to_json()["placement"]["inference_cpu"] == 0);
}

TEST_CASE("Names of strangers stay names of files", "[scenario]") {
  json j = minimal();
  for (const char* name : {"", "..", ".x", "../../x", "a/b", "a\\b", "a\nb", "\x1b[2J", "\xc2\x9bm",
                           "\xe2\x80\xae"
                           "exe"}) {
    j["name"] = name;
    check_says(message_of([&] { Scenario::from_json(j, "s.json"); }), {"s.json: name:", "no slash"});
  }
  j["name"] = "\xc3\x84rger 1.5 (b)";
  CHECK(Scenario::from_json(j, "s.json").name == "\xc3\x84rger 1.5 (b)");
  j["co_runner"] = {{"kind", "compute"}, {"schedule", {{"kind", "list"}, {"on_ranges", {{0, 4294967298}}}}}};
  check_says(message_of([&] { Scenario::from_json(j, "s.json"); }), {"on_ranges", "4294967298"});
}

TEST_CASE("Overrides reach into objects and lists", "[scenario]") {
  const json j =
      Scenario::override_json(minimal(), {"inputs=7", "goals.0.accuracy=0.5", "co_runner.kind=compute"});
  const Scenario s = Scenario::from_json(j, "s.json");
  REQUIRE(s.inputs == 7);
  REQUIRE(*s.goals[0].accuracy == 0.5);
  REQUIRE(s.co_runner.kind == "compute");
  REQUIRE_THROWS_AS(Scenario::override_json(minimal(), {"goals.1.accuracy=0.5"}), InputError);
  REQUIRE_THROWS_AS(Scenario::override_json(minimal(), {"inputs"}), InputError);
  REQUIRE_THROWS_AS(Scenario::override_json(minimal(), {"name.x=1"}), InputError);
}

TEST_CASE("Schedules in seconds and from a file", "[scenario]") {
  json j = minimal();
  const auto schedule = [&](json value) {
    j["co_runner"] = {{"kind", "compute"}, {"schedule", std::move(value)}};
  };
  const auto round_trip = [](const Scenario& s) {
    const json effective = json::parse(s.to_json().dump());
    CHECK(json::parse(Scenario::from_json(effective, "").to_json().dump()) == effective);
  };
  schedule({{"kind", "time"}, {"on_s", 2}, {"off_s", 1}});
  check_says(message(j), {"co_runner: schedule: period_s: is missing", "deadline_s"});
  schedule({{"kind", "time"}, {"on_s", 2}, {"off_s", 1}, {"period_s", 0.5}});
  CHECK(Scenario::from_json(j, "s.json").co_runner.schedule.period_s == 0.5);
  round_trip(Scenario::from_json(j, "s.json"));
  schedule({{"kind", "time"}, {"on_s", 2}, {"off_s", 1}, {"period_s", 1.5}});
  check_says(message(j), {"schedule: off_s: 1 s is shorter", "1.5 s"});
  schedule({{"kind", "time"}, {"on_s", 2}});
  check_says(message(j), {"schedule: off_s"});
  schedule({{"kind", "random"}, {"on_s", 2}});
  check_says(message(j), {"schedule: on_s: applies only to", "time"});

  j["goals"][0] = {{"task", "min_energy"}, {"deadline_s", 0.25}, {"accuracy", 0.9}};
  schedule({{"kind", "time"}, {"on_s", 2}, {"off_s", 1}});
  CHECK(Scenario::from_json(j, "s.json").co_runner.schedule.period_s == 0.25);
  j["goals"].push_back({{"name", "other"}, {"task", "min_energy"}, {"deadline_s", 0.5}, {"accuracy", 0.9}});
  check_says(message(j), {"period_s: is missing"});

  const Folder folder;
  put(folder / "phases/mine.txt", "2 5\n7 9\n");
  schedule({{"kind", "file"}, {"path", "phases/mine.txt"}});
  const Scenario s = Scenario::from_json(j, folder / "s.json");
  CHECK(s.co_runner.schedule.kind == "list");
  CHECK(s.co_runner.schedule.read_from == folder / "phases/mine.txt");
  CHECK(s.co_runner.schedule.on_ranges == std::vector<std::pair<int, int>>{{2, 5}, {7, 9}});
  round_trip(s);
  put(folder / "phases/mine.txt", "2 5\n4 9\n");
  check_says(message_of([&] { Scenario::from_json(j, folder / "s.json"); }),
             {"phases/mine.txt:2: [4, 9) after input 5"});
  schedule({{"kind", "file"}});
  check_says(message(j), {"schedule: path"});
  schedule({{"kind", "list"}, {"on_ranges", {{4294967298, 4294967301}}}});  // 2 to 5 in 32 bits
  check_says(message(j), {"on_ranges: expected pairs", "4294967298"});
  schedule({{"kind", "list"}, {"path", "x"}});
  check_says(message(j), {"schedule: path: applies only to", "file"});
}

TEST_CASE("a scenario that extends another one states what differs", "[scenario]") {
  const Folder folder;
  put(folder / "sub/base.json",
      R"({"schema_version": "1.0", "name": "base", "workload": {"name": "fashion-mnist"}, "networks": "../n.json",
    "inputs": 7, "seeds": {"inputs": 3, "schedule": 4}, "power": {"caps_w": [30, 50]},
    "goals": [{"task": "min_energy", "deadline_x": 1.0, "accuracy": 0.9}]})");
  put(folder / "own.json",
      R"({"extends": "sub/base.json", "name": "own", "inputs": null, "seeds": {"schedule": 5}, "power": {"caps_w": [40]}})");
  put(folder / "third.json", R"({"extends": "own.json", "name": "third", "warmup_inputs": 2})");
  const Scenario s = Scenario::read(folder / "third.json", {"seeds.bootstrap=9"});
  CHECK(s.name == "third");
  CHECK(s.networks == std::filesystem::path(folder / "n.json").lexically_normal().string());
  CHECK(s.inputs == Scenario().inputs);  // null removes what the extended file says
  CHECK(s.warmup_inputs == 2);
  CHECK(s.seeds.inputs == 3);
  CHECK(s.seeds.schedule == 5);
  CHECK(s.seeds.bootstrap == 9);
  CHECK(s.caps_w == std::vector<double>{40});
  CHECK(s.files ==
        std::vector<std::string>{folder / "third.json", folder / "own.json", folder / "sub/base.json"});
  CHECK(json::parse(s.to_json().dump()).count("extends") == 0);

  // From the working folder, where a path has no folder in it.
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  put("./here.json", R"({"extends": ")" + (folder / "sub/base.json") + R"(", "name": "here"})");
  const std::string absolute = Scenario::read("here.json", {}).networks,
                    relative = Scenario::read("own.json", {}).networks;
  std::filesystem::current_path(before);
  CHECK(absolute == "n.json");
  CHECK(relative == "n.json");
}

TEST_CASE("a scenario that extends what it cannot says why", "[scenario]") {
  const Folder folder;
  const auto said = [&](const std::string& name) {
    return message_of([&] { Scenario::read(folder / name, {}); });
  };
  put(folder / "a.json", R"({"extends": "b.json"})");
  put(folder / "b.json", R"({"extends": "./a.json"})");
  check_says(said("a.json"), {"a.json: extends", "circle", "b.json"});
  put(folder / "self.json", R"({"extends": "self.json"})");
  check_says(said("self.json"), {"circle"});
  put(folder / "lost.json", R"({"extends": "nowhere.json"})");
  check_says(said("lost.json"), {"lost.json: extends", "\"nowhere.json\"", "does not exist"});
  put(folder / "long.json",
      json{{"extends", std::string(300, 'a')}}.dump());  // longer than a file's name can be
  check_says(said("long.json"), {"long.json: extends", "does not exist"});
  put(folder / "number.json", R"({"extends": 3})");
  check_says(said("number.json"), {"number.json: extends", "3"});
  put(folder / "empty.json", R"({"extends": ""})");
  check_says(said("empty.json"), {"empty.json: extends", "omit the key"});
  put(folder / "list.json", "[]");
  put(folder / "of-list.json", R"({"extends": "list.json"})");
  check_says(said("of-list.json"), {"list.json", "expected an object"});
  for (int i = 0; i < 20; ++i)
    put(folder / fmt::format("c{}.json", i), fmt::format(R"({{"extends": "c{}.json"}})", i + 1));
  check_says(said("c0.json"), {"more than 16 files"});
}
