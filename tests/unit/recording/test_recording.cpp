#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/sha256.h"
#include "catch.h"
#include "recording/npy.h"
#include "recording/recording.h"
#include "recording/replay_environment.h"
#include "support.h"

using namespace alertbench;
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

namespace {

// Two networks, rows: plain; nested stage 1, nested stage 2. Two caps.
Profile small_profile() {
  Profile profile;
  profile.workload = "synthetic";
  profile.models = {{"plain", false, {0.9}, "measured", "test"},
                    {"nested", false, {0.7, 0.8}, "measured", "test"}};
  profile.caps_w = {50, 100};
  profile.fail_accuracy = 0.1;
  for (const double mean : {0.4, 0.2, 0.2, 0.1, 0.6, 0.3})
    profile.latency.push_back({mean, mean, mean, mean, 0});
  profile.active_power_w = {50, 100, 50, 100};
  profile.idle_power_w = 20;
  profile.repetitions = 3;
  profile.host = "test";
  profile.noise_verdict = "quiet";
  return profile;
}

RecordedInput input_number(int n, bool judged = true) {
  RecordedInput input;
  input.input_id = "image " + std::to_string(n);
  const double slow = 1 + n / 3.0;
  for (const double mean : {0.4, 0.2, 0.2, 0.1, 0.6, 0.3}) input.stage_end_s.push_back(mean * slow);
  if (judged) {
    input.correct = {{true, true, {}, {}}, {false, true, {}, {}}, {n % 2 == 1, true, {}, {}}};
    input.missed = Correctness{false, false, {}, {}};
  }
  input.co_runner_on = n % 2;
  return input;
}

void record(RecordingWriter& writer, int inputs) {
  for (int n = 0; n < inputs; ++n) writer.append(input_number(n));
}

void check_same(const Recording& a, const Recording& b) {
  CHECK(a.input_ids == b.input_ids);
  CHECK(a.planned_inputs == b.planned_inputs);
  CHECK(a.truth.inputs == b.truth.inputs);
  CHECK(a.truth.rows == b.truth.rows);
  CHECK(a.truth.caps == b.truth.caps);
  CHECK(a.truth.stage_end_s == b.truth.stage_end_s);
  CHECK(a.truth.top1 == b.truth.top1);
  CHECK(a.truth.top5 == b.truth.top5);
  CHECK(a.truth.nll == b.truth.nll);
  CHECK(a.truth.f1 == b.truth.f1);
  CHECK(a.truth.missed_top1 == b.truth.missed_top1);
  CHECK(a.truth.missed_top5 == b.truth.missed_top5);
  CHECK(a.truth.missed_nll == b.truth.missed_nll);
  CHECK(a.truth.members_left == b.truth.members_left);
  CHECK(a.truth.size == b.truth.size);
  CHECK(a.truth.co_runner_on == b.truth.co_runner_on);
  CHECK(a.profile.to_json() == b.profile.to_json());
  CHECK(nlohmann::json(a.info) == nlohmann::json(b.info));
}

// One network of one stage at one cap that takes these times, in seconds.
Recording plain_recording(const std::vector<double>& times) {
  Recording recording;
  recording.profile.models = {{"plain", false, {0.9}, "measured", "test"}};
  recording.profile.caps_w = {100};
  recording.profile.fail_accuracy = 0.1;
  recording.profile.latency = {{1, 1, 1, 1, 0}};
  recording.profile.active_power_w = {100};
  recording.profile.idle_power_w = 20;
  recording.truth.inputs = recording.planned_inputs = static_cast<int64_t>(times.size());
  recording.truth.rows = recording.truth.caps = 1;
  recording.truth.stage_end_s = times;
  recording.truth.co_runner_on.assign(times.size(), 0);
  return recording;
}

struct Step {
  Arrival arrival;
  Outcome outcome;
};

// Every input in order, as a runner would ask for it.
std::vector<Step> replay(const Recording& recording, Arrivals arrivals, double period_s,
                         Configuration decision) {
  ReplayEnvironment environment(recording, arrivals, period_s);
  std::vector<Step> steps;
  for (int64_t n = 0; n < recording.truth.inputs; ++n) {
    const Arrival arrival = environment.arrive(n);
    const Context context = context_of(n, arrival, 1);
    steps.push_back({arrival, environment.execute(decision, context)});
  }
  return steps;
}

// A recorded word: how right each row is, and a miss.
RecordedInput word_number(int n, int64_t members_left) {
  RecordedInput input = input_number(n, false);
  for (int row = 0; row < 3; ++row) input.correct.push_back({row == 1, true, 0.1 * (n + 1) + row / 3.0, {}});
  input.missed = Correctness{n % 2 == 0, true, 7.0 / (n + 1), {}};
  input.facts.members_left = members_left;
  return input;
}

RecordedInput question_number(int n) {
  RecordedInput input = input_number(n, false);
  for (int row = 0; row < 3; ++row) input.correct.push_back({row == 2, {}, {}, (n + row) / 5.0});
  input.missed = Correctness{false, {}, {}, 0.0};
  input.facts.size = 100.5 + n;
  return input;
}

}  // namespace

TEST_CASE("every array of a recording is documented", "[recording]") {
  const std::string page = format_section("Recordings");
  for (const std::string& name : RecordingWriter::file_names())
    if (const size_t ending = name.find(".npy"); ending != std::string::npos)
      CHECK_THAT(page, ContainsSubstring("`" + name.substr(0, ending) + "`"));
}

TEST_CASE("a recording made input by input reads back", "[recording]") {
  Folder folder;
  const std::string path = folder / "deep/recording";
  RecordingWriter writer(path, small_profile(), {{"scenario", "memory-1"}}, 3);
  record(writer, 3);
  writer.info()["throughput"] = 12.5;
  const Recording& made = writer.finish();
  CHECK(made.complete());
  CHECK_FALSE(fs::exists(path + "/inputs.part.jsonl"));

  const Recording loaded = Recording::load(path);
  check_same(loaded, made);
  CHECK(loaded.truth.end_s(2, 1, 0) == 0.2 * (1 + 2 / 3.0));
  CHECK(loaded.info["throughput"] == 12.5);
  check_same(Recording::load(path + "/recording.json"), made);

  loaded.save(folder / "copy");
  check_same(Recording::load(folder / "copy"), made);
  CHECK(content_of(folder / "copy/stage_end_s.npy") == content_of(path + "/stage_end_s.npy"));

  const auto json = nlohmann::json::parse(content_of(path + "/recording.json"));
  CHECK(json["status"] == "complete");
  CHECK(json["rows"][2] == nlohmann::json({{"model", "nested"}, {"stage", 2}}));
  CHECK(json["arrays"]["stage_end_s"]["shape"] == nlohmann::json({3, 3, 2}));
  CHECK(json["arrays"]["stage_end_s"]["unit"] == "s");
}

TEST_CASE("a recording by its file in the working directory", "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {}, 1);
  record(writer, 1);
  writer.finish();
  const fs::path before = fs::current_path();
  fs::current_path(folder.path);
  CHECK_NOTHROW(Recording::load("recording.json"));
  CHECK_NOTHROW(Recording::load("."));
  fs::current_path(before);
}

TEST_CASE("a recording without labels has no correctness", "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {}, 2);
  writer.append(input_number(0, false));
  CHECK_THROWS_WITH(writer.append(input_number(1, true)), ContainsSubstring("correct: 3 values, expected 0"));
  writer.append(input_number(1, false));
  writer.finish();
  CHECK_FALSE(fs::exists(folder / "top1.npy"));
  CHECK(Recording::load(folder.path).truth.top1.empty());
}

TEST_CASE("a recording that was killed yields its complete inputs", "[recording]") {
  Folder folder;
  {
    RecordingWriter writer(folder.path, small_profile(), {}, 5);
    CHECK(Recording::load(folder.path).truth.inputs == 0);  // killed before the first one
    record(writer, 3);
    const Recording loaded = Recording::load(folder.path);  // as it is on disk at this moment
    CHECK(loaded.truth.inputs == 3);
    CHECK(loaded.planned_inputs == 5);
    CHECK_FALSE(loaded.complete());
    CHECK(loaded.input_ids[2] == "image 2");
    CHECK(loaded.truth.end_s(2, 2, 1) == 0.3 * (1 + 2 / 3.0));
  }
  const std::string part = folder / "inputs.part.jsonl";
  fs::resize_file(part, fs::file_size(part) - 10);  // the kill came within a line
  const Recording torn = Recording::load(folder.path);
  CHECK(torn.truth.inputs == 2);
  torn.save(folder / "saved");
  CHECK(nlohmann::json::parse(content_of(folder / "saved/recording.json"))["status"] == "partial");
  CHECK_FALSE(Recording::load(folder / "saved").complete());

  put(part, "{\"input_id\":\n" + content_of(part));
  CHECK_THROWS_WITH(Recording::load(folder.path), ContainsSubstring("inputs.part.jsonl: line 1"));
  fs::remove(part);
  CHECK_THROWS_AS(Recording::load(folder.path), InputError);
}

TEST_CASE("an interrupted recording finishes as partial", "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {}, 5);
  record(writer, 2);
  CHECK_FALSE(writer.finish().complete());
  CHECK(Recording::load(folder.path).complete_inputs() == 2);
  RecordingWriter empty(folder / "empty", small_profile(), {}, 5);
  CHECK_THROWS_AS(empty.finish(), RunError);
}

TEST_CASE("impossible times are refused when they are recorded", "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {}, 5);
  const auto refused = [&](size_t cell, double time, const std::string& message) {
    RecordedInput input = input_number(0);
    input.stage_end_s[cell] = time;
    CHECK_THROWS_AS(writer.append(input), RunError);
    CHECK_THROWS_WITH(writer.append(input), ContainsSubstring("input 0") && ContainsSubstring(message));
  };
  refused(0, 0, "plain, stage 1, 50 W: 0 is not a time above 0");
  refused(3, -1, "nested, stage 1, 100 W");
  refused(3, std::numeric_limits<double>::quiet_NaN(), "not a time above 0");
  refused(3, std::numeric_limits<double>::infinity(), "not a time above 0");
  refused(3, 1e300, "outside 1e-09 to 1000000 s");
  refused(0, 1e-300, "outside 1e-09 to 1000000 s");
  refused(5, 0.05, "nested, stage 2, 100 W: 0.05 is before that of the previous stage");
  RecordedInput short_one = input_number(0);
  short_one.stage_end_s.pop_back();
  CHECK_THROWS_WITH(writer.append(short_one), ContainsSubstring("5 values, expected 6"));
  record(writer, 5);
  CHECK_THROWS_WITH(writer.append(input_number(5)), ContainsSubstring("only 5 inputs were planned"));
  CHECK(writer.finish().truth.inputs == 5);
}

TEST_CASE("a damaged recording is refused by the name of the file", "[recording]") {
  Folder folder;
  const std::string path = folder / "good";
  RecordingWriter writer(path, small_profile(), {}, 3);
  record(writer, 3);
  writer.finish();

  const auto copy = [&] {
    fs::remove_all(folder / "bad");
    fs::copy(path, folder / "bad");
  };
  const auto refused = [&](const std::string& message) {
    CHECK_THROWS_AS(Recording::load(folder / "bad"), InputError);
    CHECK_THROWS_WITH(Recording::load(folder / "bad"), ContainsSubstring(message));
  };
  // Swaps an array for one with these values and a checksum that is right.
  const auto forge = [&](const std::vector<int64_t>& shape, const std::vector<double>& values) {
    copy();
    write_npy(folder / "bad/stage_end_s.npy", shape, values);
    auto json = nlohmann::json::parse(content_of(folder / "bad/recording.json"));
    json["arrays"]["stage_end_s"]["sha256"] = hash_file(folder / "bad/stage_end_s.npy").sha256;
    put(folder / "bad/recording.json", json.dump());
  };
  const auto edit = [&](const std::string& pointer, const nlohmann::json& value) {
    copy();
    auto json = nlohmann::json::parse(content_of(path + "/recording.json"));
    json[nlohmann::json::json_pointer(pointer)] = value;
    put(folder / "bad/recording.json", json.dump());
  };

  for (const char* name : {"stage_end_s.npy", "top5.npy", "co_runner_on.npy", "profile.json"}) {
    copy();
    std::string content = content_of(folder / "bad/" + name);
    content[content.size() - 2] ^= 1;
    put(folder / "bad/" + name, content);
    refused(std::string(name) + ": damaged");
    fs::remove(folder / "bad/" + name);
    refused(std::string(name) + ": cannot open");
  }
  forge({2, 3, 2}, std::vector<double>(12, 1));
  refused("shape (2, 3, 2), expected (3, 3, 2)");
  std::vector<double> times(18, 1);
  times[17] = -1;
  forge({3, 3, 2}, times);
  refused("input 2: stage_end_s of nested, stage 2, 100 W: -1");
  edit("/schema_version", "7");
  refused("schema_version");
  edit("/status", "partial");
  refused("3 of 3 inputs");
  edit("/inputs", 1e15);
  refused("input_ids: 3 names, expected 1000000000000000");
  edit("/inputs", 1.5);
  refused("whole number");
  edit("/caps_w", {50, 90});
  refused("caps_w");
  edit("/rows/0/model", "other");
  refused("rows");
  edit("/arrays/top1/file", "../good/top1.npy");
  refused("not a file in this folder");
  edit("/input_ids", {"a"});
  refused("input_ids: 1 names, expected 3");
  edit("/extra", 1);
  refused("extra");
  fs::remove_all(folder / "bad");
  refused("/bad: cannot open");
}

TEST_CASE("a recording of words reads back, finished or not", "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {{"scenario", "words"}}, 3);
  for (int n = 0; n < 3; ++n) writer.append(word_number(n, 3 - n));
  const Recording running = Recording::load(folder.path);
  const Recording& made = writer.finish();
  const Recording loaded = Recording::load(folder.path);
  check_same(running, made);
  check_same(loaded, made);
  const TruthTable& t = loaded.truth;
  CHECK(t.top1 == std::vector<uint8_t>{0, 1, 0, 0, 1, 0, 0, 1, 0});
  CHECK(t.top5 == std::vector<uint8_t>(9, 1));
  REQUIRE(t.nll.size() == 9);
  CHECK(t.nll[5] == 0.1 * 2 + 2 / 3.0);
  CHECK(t.f1.empty());
  CHECK(t.missed_top1 == std::vector<uint8_t>{1, 0, 1});
  CHECK(t.missed_top5 == std::vector<uint8_t>{1, 1, 1});
  CHECK(t.missed_nll == std::vector<double>{7, 3.5, 7.0 / 3});
  CHECK(t.members_left == std::vector<int64_t>{3, 2, 1});
  CHECK(t.facts_of(1).members_left == 2);
  CHECK(t.facts_of(1).size == 1);
  CHECK_FALSE(fs::exists(folder / "f1.npy"));
  loaded.save(folder / "copy");
  check_same(Recording::load(folder / "copy"), made);
}

TEST_CASE("a recording of questions reads back, finished or not", "[recording]") {
  Folder folder;
  Profile profile = small_profile();
  profile.size_unit = "tokens";
  profile.mean_size = 101.5;
  RecordingWriter writer(folder.path, profile, {{"scenario", "questions"}}, 4);
  for (int n = 0; n < 3; ++n) writer.append(question_number(n));
  const Recording running = Recording::load(folder.path);
  const Recording& made = writer.finish();
  const Recording loaded = Recording::load(folder.path);
  check_same(running, made);
  check_same(loaded, made);
  CHECK_FALSE(loaded.complete());
  CHECK(loaded.truth.size == std::vector<double>{100.5, 101.5, 102.5});
  CHECK(loaded.truth.members_left == std::vector<int64_t>{1, 1, 1});
  REQUIRE(loaded.truth.f1.size() == 9);
  CHECK(loaded.truth.f1[8] == 4 / 5.0);
  CHECK(loaded.truth.top5.empty());
  CHECK(loaded.truth.nll.empty());
  CHECK(loaded.truth.missed_nll.empty());
  CHECK_FALSE(fs::exists(folder / "missed_top5.npy"));
  CHECK(ReplayEnvironment(loaded, Arrivals::closed, 1).size(0) == 100.5 / 101.5);
}

// The first 194 words of a recording that version 0.1 of the program made.
TEST_CASE("a recording of version 0.1 is read with the accuracy that it was made with", "[recording]") {
  const Recording old = Recording::load(ALERT_SOURCE_DIR "/tests/unit/recording/version-0.1");
  CHECK(old.truth.inputs == 194);
  CHECK(old.profile.accuracy_unit == AccuracyUnit::top1);
  CHECK(old.profile.fail_accuracy > 0.05);
}

TEST_CASE("figures that cannot be are refused when they are recorded", "[recording]") {
  Folder folder;
  RecordingWriter words(folder / "words", small_profile(), {}, 9),
      questions(folder / "questions", small_profile(), {}, 9);
  const auto refused = [](RecordingWriter& writer, const RecordedInput& input, const std::string& message) {
    check_says(message_of<RunError>([&] { writer.append(input); }), {message});
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (int n = 0; n < 2; ++n) {  // before the first input, and after it
    for (const double nll : {-0.25, nan, infinity}) {
      RecordedInput input = word_number(0, 1);
      input.correct[2].nll = nll;
      refused(words, input, "is not between 0 and 1000000000000");
      input = word_number(0, 1);
      input.missed->nll = nll;
      refused(words, input, "is not between 0 and 1000000000000");
    }
    for (const double f1 : {-0.25, 1.25, nan}) {
      RecordedInput input = question_number(0);
      input.correct[1].f1 = f1;
      refused(questions, input, "is not between 0 and 1");
    }
    for (const double size : {0.0, -1.0, nan, infinity}) {
      RecordedInput input = question_number(0);
      input.facts.size = size;
      refused(questions, input, "members left 1, size");
    }
    RecordedInput input = word_number(0, 0);
    refused(words, input, "members left 0");
    input = word_number(0, 1);
    input.missed.reset();
    refused(words, input, "missed: is absent despite correct");
    input = word_number(0, 1);
    input.correct[1].nll.reset();
    refused(words, input, "not the same values");
    input = word_number(0, 1);
    input.missed->nll.reset();
    refused(words, input, "not the same values");
    input = word_number(0, 1);
    input.correct.pop_back();
    refused(words, input, "correct: 2 values, expected 3");
    words.append(word_number(n, 1));
    questions.append(question_number(n));
  }
  refused(words, question_number(2), "not the same values");  // other figures than the inputs before
  refused(words, input_number(2, true), "not the same values");
  refused(words, input_number(2, false), "correct: 0 values, expected 3");
  RecordingWriter unlabelled(folder / "unlabelled", small_profile(), {}, 9);
  RecordedInput input = input_number(0, false);
  input.missed = Correctness{};
  refused(unlabelled, input, "missed: is present without correct");
  CHECK(words.finish().truth.inputs == 2);
  CHECK(Recording::load(folder / "words").truth.missed_nll == std::vector<double>{7, 3.5});
}

TEST_CASE("damaged figures of words and questions are refused by name", "[recording]") {
  Folder folder;
  RecordingWriter words(folder / "words", small_profile(), {}, 3),
      questions(folder / "questions", small_profile(), {}, 3);
  for (int n = 0; n < 3; ++n) words.append(word_number(n, 3 - n)), questions.append(question_number(n));
  words.finish();
  questions.finish();
  const std::string bad = folder / "bad";
  const auto copy = [&](const std::string& from) {
    fs::remove_all(bad);
    fs::copy(folder / from, bad);
  };
  const auto refused = [&](const std::string& message) {
    check_says(message_of([&] { Recording::load(bad); }), {message});
  };
  // Swaps an array for one with these values and a checksum that is right.
  const auto forge = [&](const std::string& from, const std::string& name, const std::vector<int64_t>& shape,
                         const auto& values) {
    copy(from);
    write_npy(bad + "/" + name + ".npy", shape, values);
    auto json = nlohmann::json::parse(content_of(bad + "/recording.json"));
    json["arrays"][name]["sha256"] = hash_file(bad + "/" + name + ".npy").sha256;
    put(bad + "/recording.json", json.dump());
  };
  const auto without = [&](const std::string& from, const std::string& name) {
    copy(from);
    auto json = nlohmann::json::parse(content_of(bad + "/recording.json"));
    json["arrays"].erase(name);
    put(bad + "/recording.json", json.dump());
  };
  for (const char* name : {"nll", "missed_top1", "missed_top5", "missed_nll", "members_left"}) {
    copy("words");
    const std::string path = bad + "/" + name + ".npy";
    std::string content = content_of(path);
    content[content.size() - 1] ^= 1;
    put(path, content);
    refused(std::string(name) + ".npy: damaged");
  }
  using Numbers = std::vector<double>;
  forge("words", "nll", {9}, Numbers(9, 1));
  refused("nll.npy: shape (9), expected (3, 3)");
  forge("words", "missed_nll", {3, 3}, Numbers(9, 1));
  refused("missed_nll.npy: shape (3, 3), expected (3)");
  forge("words", "members_left", {2}, std::vector<int64_t>{2, 1});
  refused("members_left.npy: shape (2), expected (3)");
  forge("words", "members_left", {3}, Numbers{3, 2, 1});
  refused("members_left.npy");
  forge("words", "members_left", {3}, std::vector<int64_t>{3, 0, 1});
  refused("members_left: 0 is not between 1 and");
  forge("words", "missed_top1", {3}, std::vector<uint8_t>{0, 2, 1});
  refused("missed_top1: 2 is not between 0 and 1");
  forge("words", "nll", {3, 3}, Numbers{1, 1, 1, 1, -1, 1, 1, 1, 1});
  refused("nll: -1 is not between 0 and");
  forge("words", "missed_nll", {3}, Numbers{1, std::numeric_limits<double>::quiet_NaN(), 1});
  refused("missed_nll: nan is not between 0 and");
  forge("questions", "f1", {3, 3}, Numbers{0, 1, 0.5, 0, 1.5, 0, 0, 0, 0});
  refused("f1: 1.5 is not between 0 and 1");
  forge("questions", "size", {3}, Numbers{1, 0, 1});
  refused("size: 0 is not above 0");
  forge("questions", "size", {3}, Numbers{1, std::numeric_limits<double>::infinity(), 1});
  refused("size: inf is not between");
  without("words", "top1");
  refused("correctness without top1");
  without("words", "missed_nll");
  refused("nll and missed_nll: only one of them exists");
  // Inputs that are all alike need no facts.
  without("words", "members_left");
  CHECK(Recording::load(bad).truth.facts_of(0).members_left == 1);
  without("questions", "size");
  CHECK(Recording::load(bad).truth.facts_of(0).size == 1);
}

TEST_CASE("a line of an unfinished recording whose figures cannot be is refused with its number",
          "[recording]") {
  Folder folder;
  RecordingWriter writer(folder.path, small_profile(), {}, 3);
  writer.append(word_number(0, 2));
  writer.append(word_number(1, 1));
  const std::string part = folder / "inputs.part.jsonl", good = content_of(part);
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    const size_t at = good.rfind(from);
    REQUIRE(at != std::string::npos);
    put(part, std::string(good).replace(at, from.size(), to));
    check_says(message_of([&] { Recording::load(folder.path); }), {"inputs.part.jsonl: line 2", message});
  };
  refused("\"nll\":3.5", "\"nll\":-3.5", "nll");
  refused("\"nll\":3.5", "\"nll\":null", "not the same values");
  refused("\"nll\":3.5", "\"f1\":0.5", "not the same values");
  refused("\"members_left\":1", "\"members_left\":0", "members_left");
  refused("\"size\":1", "\"size\":-1", "size");
  refused("\"size\":1", "\"size\":0", "size 0");
  refused("\"top1\":false", "\"top1\":0", "top1");
}

TEST_CASE("replay, closed arrivals: an overrun moves the next arrival, nothing waits",
          "[recording][replay]") {
  const Recording recording = plain_recording({0.5, 1.5, 0.25});
  const auto steps = replay(recording, Arrivals::closed, 1, {0, 1, 0});
  const double arrivals[] = {0, 1, 2.5}, energies[] = {60, 150, 40};
  for (size_t n = 0; n < 3; ++n) {
    CHECK(steps[n].arrival.arrival_s == arrivals[n]);
    CHECK(steps[n].arrival.wait_s == 0);
    CHECK(steps[n].outcome.wait_s == 0);
    CHECK(steps[n].outcome.latency_s == recording.truth.stage_end_s[n]);
    CHECK(steps[n].outcome.energy_j == Approx(energies[n]));
  }
  CHECK(steps[0].outcome.stage_delivered == 1);
  CHECK(steps[1].outcome.stage_delivered == 0);
  CHECK(steps[1].outcome.accuracy == 0.1);
}

TEST_CASE("replay, open arrivals: an overrun makes the next input wait", "[recording][replay]") {
  const Recording recording = plain_recording({0.5, 1.5, 0.25, 0.75, 0.5});
  const auto steps = replay(recording, Arrivals::open, 1, {0, 1, 0});
  for (size_t n = 0; n < 5; ++n) CHECK(steps[n].arrival.arrival_s == static_cast<double>(n));
  CHECK(steps[1].outcome.latency_s == 1.5);
  CHECK(steps[1].outcome.stage_delivered == 0);
  // Arrived at 2, started at 2.5, ended at 2.75.
  CHECK(steps[2].arrival.wait_s == 0.5);
  CHECK(steps[2].outcome.wait_s == 0.5);
  CHECK(steps[2].outcome.latency_s == 0.75);
  CHECK(steps[2].outcome.stage_end_s[0] == 0.75);
  CHECK(steps[2].outcome.busy_s == 0.25);
  CHECK(steps[2].outcome.stage_delivered == 1);
  CHECK(steps[2].outcome.energy_j == Approx(0.25 * 100 + 0.25 * 20));  // 2.5 to 3
  CHECK(steps[3].arrival.wait_s == 0);
  double energy = 0;
  for (const auto& step : steps) energy += *step.outcome.energy_j;
  CHECK(energy == Approx(3.5 * 100 + 1.5 * 20));  // of the 5 s of the run, 3.5 busy
}

TEST_CASE("replay, open arrivals: a queue grows, and a deadline that is gone delivers nothing",
          "[recording][replay]") {
  const auto steps = replay(plain_recording({2.5, 2.5, 2.5}), Arrivals::open, 1, {0, 1, 0});
  CHECK(steps[1].arrival.wait_s == 1.5);
  CHECK(steps[2].arrival.wait_s == 3);
  CHECK(steps[2].outcome.latency_s == 5.5);
  CHECK(steps[2].outcome.stage_delivered == 0);
  CHECK(steps[2].outcome.energy_j == Approx(250));
}

TEST_CASE("replay, timed arrivals: the energy counts to the next arrival, which no scheduler sees",
          "[recording][replay]") {
  const Recording recording = plain_recording({0.5, 1.5, 0.25, 0.75, 0.5});
  const auto steps = replay(recording, Arrivals::at({0, 0.25, 2.5, 4, 4, 8}), 1, {0, 1, 0});
  const double waits[] = {0, 0.25, 0, 0, 0.75}, latencies[] = {0.5, 1.75, 0.25, 0.75, 1.25};
  const double idle_s[] = {0, 0.5, 1.25, 0, 2.75};  // from each end to the next arrival
  for (size_t n = 0; n < 5; ++n) {
    CHECK(steps[n].arrival.wait_s == waits[n]);
    CHECK(steps[n].outcome.wait_s == waits[n]);
    CHECK(steps[n].outcome.latency_s == latencies[n]);
    CHECK(steps[n].outcome.stage_delivered == (latencies[n] <= 1));
    CHECK(steps[n].outcome.energy_j == Approx(100 * steps[n].outcome.busy_s + 20 * idle_s[n]));
    CHECK(context_of(0, steps[n].arrival, 1).period_s == Approx(8.0 / 5 - waits[n]));
  }
}

TEST_CASE("replay of an anytime network stops it at what is left of the deadline", "[recording][replay]") {
  Recording recording = plain_recording({1});
  recording.profile.models = {{"nested", false, {0.7, 0.8}, "measured", "test"}};
  recording.truth.rows = 2;
  recording.truth.inputs = 3;
  recording.truth.stage_end_s = {0.25, 1.25, 0.25, 0.5, 0.25, 0.75};
  recording.truth.co_runner_on = {0, 1, 0};
  const auto whole = [](int64_t input) { return Context{input, 1, 1}; };
  ReplayEnvironment environment(recording, Arrivals::open, 1);
  environment.arrive(0);
  const Outcome stopped = environment.execute({0, 2, 0}, whole(0));
  CHECK(stopped.stopped);
  CHECK(stopped.stage_delivered == 1);
  CHECK(stopped.latency_s == 0.25);
  CHECK(stopped.busy_s == 1);
  CHECK(environment.arrive(1).wait_s == 0);
  const Outcome done = environment.execute({0, 2, 0}, whole(1));
  CHECK(done.stage_delivered == 2);
  CHECK(done.co_runner_on);
  environment.arrive(2);
  const Outcome late = environment.execute({0, 2, 0}, {2, -0.5, 0});  // no time left at all
  CHECK(late.stage_delivered == 0);
  CHECK(late.busy_s == 0);
  CHECK(late.energy_j == Approx(0));
  CHECK_THROWS_AS(environment.arrive(3), RunError);
  CHECK_THROWS_AS(environment.arrive(-1), RunError);
  CHECK(environment.mode() == "replay");
}

TEST_CASE("replay of a group: what a member leaves is shared by those that follow", "[recording][replay]") {
  // Three words and two; two stages, one cap. Deadline 1 s a word.
  Recording recording = plain_recording({1});
  recording.profile.models = {{"nested", false, {0.5, 0.75}, "measured", "test"}};
  recording.profile.latency = {{0.5, 0.5, 0.5, 0.5, 0}, {1, 1, 1, 1, 0}};
  recording.truth.rows = 2;
  recording.truth.inputs = recording.planned_inputs = 5;
  recording.truth.stage_end_s = {0.25, 0.5, 1.5, 2.5, 1, 2, 0.5, 1, 0.5, 1};
  recording.truth.co_runner_on.assign(5, 0);
  recording.truth.members_left = {3, 2, 1, 2, 1};
  recording.truth.top1 = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  recording.truth.nll = {2, 1, 2, 1, 2, 1, 2, 1, 2, 1};
  recording.truth.missed_top1 = {1, 0, 0, 0, 0};
  recording.truth.missed_nll = {9, 8, 7, 6, 5};

  SECTION("an anytime network") {
    const auto steps = replay(recording, Arrivals::closed, 1, {0, 2, 0});
    const double arrivals[] = {0, 0.5, 1.75, 3, 4}, deadlines[] = {1, 1.25, 1.25, 1, 1},
                 periods[] = {1, 1.5, 1.25, 1, 1}, idle_charged[] = {0, 0.5, 0.25, 0, 0},
                 busy[] = {0.5, 1.25, 1.25, 1, 1};
    const int delivered[] = {2, 0, 1, 2, 2};
    for (size_t n = 0; n < 5; ++n) {
      INFO(n);
      CHECK(steps[n].arrival.arrival_s == arrivals[n]);
      CHECK(steps[n].arrival.wait_s == 0);
      CHECK(steps[n].arrival.deadline_from_arrival_s == deadlines[n]);
      CHECK(steps[n].arrival.period_s == periods[n]);
      CHECK(steps[n].outcome.busy_s == busy[n]);
      CHECK(steps[n].outcome.stage_delivered == delivered[n]);
      CHECK(steps[n].arrival.idle_charged_s == idle_charged[n]);
      CHECK(steps[n].outcome.energy_j ==
            Approx(100 * busy[n] + 20 * (std::max(0.0, periods[n] - busy[n]) - idle_charged[n])));
    }
    CHECK(steps[1].outcome.stopped);
    CHECK(steps[1].outcome.accuracy == 0.1);
    CHECK(steps[0].outcome.correct->nll == 1);
    CHECK(steps[1].outcome.correct->nll == 8);
    CHECK_FALSE(steps[1].outcome.correct->top1);
    CHECK(steps[2].outcome.correct->nll == 2);
  }
  SECTION("a traditional one overruns, and those behind it have nothing left") {
    recording.profile.models = {{"first", false, {0.5}, "measured", "test"},
                                {"second", false, {0.75}, "measured", "test"}};
    recording.profile.active_power_w = {100, 100};
    recording.truth.stage_end_s[3] = 3.5;
    const auto steps = replay(recording, Arrivals::closed, 1, {1, 1, 0});
    const double arrivals[] = {0, 0.5, 4, 6, 7}, deadlines[] = {1, 1.25, 0, 1, 1},
                 periods[] = {1, 1.5, 0, 1, 1}, busy[] = {0.5, 3.5, 2, 1, 1};
    const int delivered[] = {1, 0, 0, 1, 1};
    for (size_t n = 0; n < 5; ++n) {
      INFO(n);
      CHECK(steps[n].arrival.arrival_s == arrivals[n]);
      CHECK(steps[n].arrival.deadline_from_arrival_s == deadlines[n]);
      CHECK(steps[n].arrival.period_s == periods[n]);
      CHECK(steps[n].outcome.busy_s == busy[n]);
      CHECK(steps[n].outcome.stage_delivered == delivered[n]);
    }
    // Open: the second group came at 3, and waits for the first to end at 6.
    const auto open = replay(recording, Arrivals::open, 1, {1, 1, 0});
    CHECK(open[3].arrival.arrival_s == 3);
    CHECK(open[3].arrival.wait_s == 3);
    CHECK(open[3].arrival.deadline_from_arrival_s == 3 - 1 / 2.0);  // 1 s past the group's 2
    CHECK(open[3].outcome.wait_s == 3);
    CHECK(open[3].outcome.latency_s == 4);
    CHECK(open[3].outcome.stage_delivered == 0);
    CHECK(open[4].arrival.arrival_s == 7);
    CHECK(open[4].arrival.deadline_from_arrival_s == 0);
  }
}

TEST_CASE("replay knows how large an input is, over the profile's mean size", "[recording][replay]") {
  Recording recording = plain_recording({1, 1});
  CHECK(ReplayEnvironment(recording, Arrivals::closed, 1).size(1) == 1);
  recording.profile.mean_size = 200;
  recording.truth.size = {100, 300};
  ReplayEnvironment environment(recording, Arrivals::closed, 1);
  CHECK(environment.size(0) == 0.5);
  CHECK(environment.size(1) == 1.5);
}

TEST_CASE("a recording that was cut off goes on where it stopped, and equals one made at once",
          "[recording]") {
  for (const bool killed : {true, false}) {
    CAPTURE(killed);
    const Folder once, twice;
    {
      RecordingWriter writer(once.path, small_profile(), {{"seed", 1}}, 5);
      record(writer, 5);
      writer.finish();
    }
    {
      RecordingWriter writer(twice.path, small_profile(), {{"seed", 1}}, 5);
      record(writer, 3);
      if (!killed) writer.finish();  // interrupted: arrays, status partial
    }
    if (killed) std::ofstream(twice.path + "/inputs.part.jsonl", std::ios::app) << "{\"input_id\":\"torn";
    Recording so_far = Recording::load(twice.path);
    REQUIRE(so_far.truth.inputs == 3);
    RecordingWriter writer(twice.path, std::move(so_far));
    CHECK(writer.inputs() == 3);
    CHECK(Recording::load(twice.path).truth.inputs == 3);  // at every moment
    for (int n = 3; n < 5; ++n) writer.append(input_number(n));
    writer.finish();
    check_same(Recording::load(once.path), Recording::load(twice.path));
    CHECK(content_of(once.path + "/stage_end_s.npy") == content_of(twice.path + "/stage_end_s.npy"));
  }
}
