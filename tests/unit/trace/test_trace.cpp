#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "support.h"
#include "trace/trace_reader.h"
#include "trace/trace_writer.h"

using namespace alertbench;
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();

Profile small_profile() {
  Profile profile;
  profile.models = {{"resnet", false, {0.9}, "measured", "test"},
                    {"nested \"a\"", false, {0.7, 0.8}, "measured", "test"}};
  profile.caps_w = {35, 100};
  return profile;
}

TraceHeader small_header() {
  TraceHeader header;
  header.tool_version = "0.1.0";
  header.scheduler = "alert";
  header.scenario = "memory-1";
  header.goals = {"tight", Task::min_energy, 0.05, 0.9, {}};
  header.co_runner = "memory-1";
  header.co_runner_description = "stream, duty 0.5";
  return header;
}

InputRecord full_record() {
  InputRecord record;
  record.input = 3;
  record.input_id = "img/3.jpg";
  record.arrival_s = 0.15;
  record.deadline_from_arrival_s = 0.05;
  record.goals = small_header().goals;
  record.configuration = {1, 2, 1};
  record.outcome.stage_end_s = {0.01, 0.025};
  record.outcome.stages_finished = 2;
  record.outcome.stage_delivered = 2;
  record.outcome.latency_s = 0.025;
  record.outcome.busy_s = 0.025;
  record.outcome.accuracy = 0.8;
  record.outcome.correct = Correctness{false, true, {}, {}};
  record.outcome.energy_j = 2.5;
  record.outcome.active_power_w = 80.25;
  record.outcome.idle_power_w = 20;
  record.outcome.co_runner_on = true;
  record.decide_s = 1e-6;
  record.slowdown = Slowdown{1.1, 1.05, 0.1};
  record.prediction = Prediction{0.024, 0.99, 0.8, 2.4};
  record.violations.accuracy = true;
  record.violations.mean_accuracy = false;
  return record;
}

InputRecord bare_record() {
  InputRecord record;
  record.input = 4;
  record.goals = small_header().goals;
  record.arrival_s = 0.2;
  record.deadline_from_arrival_s = 0.05;
  record.outcome.latency_s = 0.05;
  record.outcome.busy_s = 0.05;
  record.outcome.accuracy = 0.1;
  record.violations.deadline = true;
  return record;
}

const std::string header_line =
    R"({"record":"header","schema_version":"1.1","tool_version":"0.1.0","scheduler":"alert","scenario":"memory-1",)"
    R"("setting":"tight","task":"min_energy","goals":{"deadline_s":0.05,"accuracy":0.9,"energy_j":null,"judge":"mean",)"
    R"("goal_tolerance":{"accuracy":0.001,"energy":0.01}},)"
    R"("energy_source":"model","accuracy_source":"profile","mode":"live","co_runner":"memory-1",)"
    R"("co_runner_description":"stream, duty 0.5","manifest":"../manifest.json"})"
    "\n";
const std::string full_line =
    R"({"record":"input","input":3,"warmup":false,"input_id":"img/3.jpg","arrival_s":0.15,"deadline_s":0.05,)"
    R"("model":"nested \"a\"","stage_target":2,"cap_w":100,"stage_delivered":2,"stage_end_s":[0.01,0.025],)"
    R"("latency_s":0.025,"busy_s":0.025,"wait_s":0,"overshoot_s":0,"stopped":false,"decide_s":1e-06,"accuracy":0.8,)"
    R"("correct":{"top1":false,"top5":true},"energy_j":2.5,"active_power_w":80.25,"idle_power_w":20,)"
    R"("slowdown":{"observed":1.1,"mean":1.05,"sd":0.1},)"
    R"("predicted":{"latency_s":0.024,"p_deadline":0.99,"accuracy":0.8,"energy_j":2.4},"co_runner":"memory-1",)"
    R"("violations":{"deadline":false,"accuracy":true,"energy":null,"mean_accuracy":false,"mean_energy":null}})"
    "\n";
const std::string bare_line =
    R"({"record":"input","input":4,"warmup":false,"input_id":"","arrival_s":0.2,"deadline_s":0.05,"model":"resnet",)"
    R"("stage_target":1,"cap_w":35,"stage_delivered":0,"stage_end_s":[],"latency_s":0.05,"busy_s":0.05,"wait_s":0,)"
    R"("overshoot_s":0,"stopped":false,"decide_s":null,"accuracy":0.1,"correct":null,"energy_j":null,)"
    R"("active_power_w":null,"idle_power_w":null,"slowdown":null,"predicted":null,"co_runner":null,)"
    R"("violations":{"deadline":true,"accuracy":null,"energy":null,"mean_accuracy":null,"mean_energy":null}})"
    "\n";
const std::string end_line = R"({"record":"end","inputs":2,"status":"complete","reason":null,"verdict":null})"
                             "\n";

void write_golden(const std::string& path) {
  TraceWriter writer(path, small_header(), small_profile());
  writer.write(full_record());
  writer.write(bare_record());
  writer.finish();
}

// Against lib/trace/trace.schema.json, by a second implementation of JSON schemas.
void check_schema(const Folder& folder, const std::string& trace) {
  const fs::path script = fs::path(ALERT_SOURCE_DIR) / "tests/python/check_trace_schema.py";
  const int status = std::system(
      ("python3 '" + script.string() + "' '" + folder / trace + "' >" + folder / "out 2>&1").c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  INFO(content_of(folder / "out"));
  if (code == 77 || code == 127)
    WARN("SKIPPED: no python3 with jsonschema here");
  else
    CHECK(code == 0);
}

}  // namespace

TEST_CASE("a trace is these lines, byte for byte", "[trace]") {
  Folder folder;
  write_golden(folder / "a.jsonl");
  CHECK(content_of(folder / "a.jsonl") == header_line + full_line + bare_line + end_line);
}

TEST_CASE("of many replays only the traces that are being written are open", "[trace]") {
  Folder folder;
  TraceHeader header = small_header();
  header.mode = "replay";
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = open_files();
  std::vector<std::unique_ptr<TraceWriter>> writers;
  for (int i = 0; i < 20; ++i)
    writers.push_back(
        std::make_unique<TraceWriter>(folder / (std::to_string(i) + ".jsonl"), header, small_profile()));
  CHECK(open_files() == before);
  for (const auto& writer : writers) {
    writer->write(full_record());
    writer->finish();
    CHECK(open_files() == before);
  }
  CHECK(read_trace(folder / "19.jsonl").inputs.size() == 1);
}

TEST_CASE("a trace reads back as it was written", "[trace]") {
  Folder folder;
  write_golden(folder / "a.jsonl");
  const TraceFile trace = read_trace(folder / "a.jsonl");
  CHECK(trace.status == "complete");
  CHECK(trace.reason.empty());
  CHECK(trace.torn_line == 0);
  CHECK(trace.header.goals.name == "tight");
  CHECK(trace.header.goals.accuracy == 0.9);
  CHECK_FALSE(trace.header.goals.energy_j);
  CHECK(trace.header.co_runner_description == "stream, duty 0.5");
  REQUIRE(trace.inputs.size() == 2);
  const TraceInput& full = trace.inputs[0];
  CHECK(full.model == "nested \"a\"");
  CHECK(full.cap_w == 100);
  const double* ends_s = full.outcome.stage_end_s.data();
  CHECK(std::vector<double>(ends_s, ends_s + full.outcome.stages_finished) ==
        std::vector<double>{0.01, 0.025});
  CHECK(full.decide_s == 1e-6);
  REQUIRE(full.outcome.correct);
  CHECK_FALSE(full.outcome.correct->top1);
  CHECK(full.outcome.correct->top5 == true);
  CHECK_FALSE(full.outcome.correct->nll);
  CHECK_FALSE(full.outcome.correct->f1);
  CHECK(full.deadline_from_arrival_s == 0.05);
  CHECK(full.slowdown->mean == 1.05);
  CHECK(full.prediction->p_deadline == 0.99);
  CHECK(full.co_runner == "memory-1");
  CHECK(full.violations.accuracy == true);
  CHECK_FALSE(full.violations.energy);
  const TraceInput& bare = trace.inputs[1];
  CHECK_FALSE(bare.decide_s);
  CHECK_FALSE(bare.outcome.correct);
  CHECK_FALSE(bare.outcome.energy_j);
  CHECK_FALSE(bare.slowdown);
  CHECK_FALSE(bare.prediction);
  CHECK_FALSE(bare.co_runner);
  CHECK(bare.violations.deadline);
}

TEST_CASE("every double in a trace reads back to the same bits", "[trace]") {
  LineBuffer out;
  for (const double value :
       {0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, 123456789.123456789, 0.0}) {
    out.clear();
    append_number(out, value);
    CHECK(nlohmann::json::parse(std::string(out.data(), out.size())).get<double>() == value);
  }
}

TEST_CASE("what is no number becomes null, and the line stays JSON", "[trace]") {
  InputRecord record = full_record();
  record.outcome.energy_j = nan_;
  record.outcome.active_power_w = inf;
  record.prediction = Prediction{-inf, nan_, 0.5, inf};
  record.slowdown = Slowdown{nan_, 1, nan_};
  Folder folder;
  TraceWriter(folder / "a.jsonl", small_header(), small_profile()).write(record);
  const std::string text = content_of(folder / "a.jsonl");
  CHECK_THAT(text, ContainsSubstring(R"("energy_j":null,"active_power_w":null)"));
  CHECK_THAT(text, ContainsSubstring(
                       R"("predicted":{"latency_s":null,"p_deadline":null,"accuracy":0.5,"energy_j":null})"));
  const TraceFile trace = read_trace(folder / "a.jsonl");
  CHECK(std::isnan(trace.inputs.at(0).prediction->latency_s));
  CHECK(trace.inputs[0].slowdown->mean == 1);
}

TEST_CASE("names are escaped, and bytes that are no UTF-8 do not break the file", "[trace]") {
  const auto quoted = [](std::string_view text) {
    LineBuffer out;
    append_string(out, text);
    return std::string(out.data(), out.size());
  };
  CHECK(quoted("plain name.jpg") == R"("plain name.jpg")");
  CHECK(quoted("a\"b\\c\n\t\x01") == R"("a\"b\\c\n\t\u0001")");
  CHECK(quoted("\u00fcber") == "\"\u00fcber\"");
  CHECK(quoted("bad\xff.jpg") == "\"bad\ufffd.jpg\"");
}

TEST_CASE("a killed run: one torn last line is left out and told", "[trace]") {
  Folder folder;
  const std::string path = folder / "a.jsonl";
  for (const size_t cut : {1u, 20u, 200u}) {
    put(path, header_line + full_line + bare_line.substr(0, cut));
    const TraceFile trace = read_trace(path);
    CHECK(trace.inputs.size() == 1);
    CHECK(trace.torn_line == 3);
    CHECK(trace.status == "partial");
    CHECK_THAT(trace.reason, ContainsSubstring("line 3"));
  }
  put(path, header_line + full_line);
  const TraceFile whole = read_trace(path);
  CHECK(whole.torn_line == 0);
  CHECK(whole.status == "partial");
  CHECK_THAT(whole.reason, ContainsSubstring("end record is missing"));
}

TEST_CASE("a trace that breaks its contract is refused with file and line", "[trace]") {
  Folder folder;
  const std::string path = folder / "a.jsonl";
  const auto spoilt = [](std::string line, const std::string& from, const std::string& to) {
    const size_t at = line.find(from);
    REQUIRE(at != std::string::npos);
    return line.replace(at, from.size(), to);
  };
  const auto refused = [&](const std::string& content, const std::string& message) {
    put(path, content);
    CHECK_THROWS_AS(read_trace(path), InputError);
    CHECK_THROWS_WITH(read_trace(path), ContainsSubstring(path) && ContainsSubstring(message));
  };
  refused("", "line 1");
  refused("{\"rec", "line 1");
  refused(full_line, "line 1");
  refused(header_line + header_line, "line 2");
  refused(header_line + "{\"torn\n" + full_line, "line 2: not valid JSON");
  refused(header_line + std::string(1000000, '[') + std::string(1000000, ']') + "\n",
          "line 2: nested too deeply");
  refused(header_line + "{\"record\": \"end\", \"record\": \"end\"}\n", "line 2: duplicate key \"record\"");
  refused(header_line + full_line + "{\"torn\n", "line 3: not valid JSON");
  refused(header_line + "[]\n", "line 2");
  refused(header_line + bare_line + full_line, "line 3: input: 3 comes after 4");
  refused(header_line + full_line + end_line, "line 3: inputs: 2, but the file contains 1");
  refused(header_line + full_line + bare_line + end_line + full_line, "line 5");
  refused(header_line + full_line + bare_line + end_line + "{\"to", "line 5");
  refused(spoilt(header_line, R"("schema_version":"1.1")", R"("schema_version":"2.0")"),
          "schema_version: \"2.0\"");
  refused(header_line + spoilt(full_line, R"("latency_s":0.025)", R"("latency_s":-1)"),
          "line 2: latency_s: -1");
  refused(header_line + spoilt(full_line, R"("latency_s":0.025)", R"("latency_s":null)"),
          "latency_s: is missing");
  refused(header_line + spoilt(full_line, R"("latency_s":0.025)", R"("latency_s":1e999)"), "line 2");
  refused(header_line + spoilt(full_line, R"("energy_j":2.5,)", ""), "energy_j: is missing");
  refused(header_line + spoilt(full_line, R"("energy_j":2.5)", R"("energy_j":"2.5")"),
          "energy_j: expected a number");
  refused(header_line + spoilt(full_line, R"([0.01,0.025])", R"([0.03,0.025])"), "stage_end_s: falls");
  refused(header_line + spoilt(full_line, R"([0.01,0.025])", R"([0.01])"), "stage_delivered: 2, but only 1");
  refused(header_line + spoilt(full_line, R"("top5":true)", R"("top5":true,"top7":true)"), "top7");
  refused(header_line + spoilt(full_line, R"("top5":true)", R"("top5":1)"), "top5");
  refused(header_line + spoilt(full_line, R"("top5":true)", R"("nll":-0.5)"), "nll: -0.5");
  refused(header_line + spoilt(full_line, R"("top5":true)", R"("f1":1.5)"), "f1: 1.5");
  refused(header_line + spoilt(full_line, R"("deadline_s":0.05,)", ""), "deadline_s: is missing");
  refused(header_line + spoilt(full_line, R"("deadline_s":0.05,)", R"("deadline_s":-0.1,)"),
          "deadline_s: -0.1");
  refused(header_line + spoilt(full_line, R"("p_deadline":0.99)", R"("p_deadline":1.5)"), "p_deadline: 1.5");
  refused(header_line + spoilt(full_line, R"("busy_s")", R"("busy")"), "busy");
  refused(header_line + spoilt(full_line, R"("deadline":false)", R"("deadline":null)"),
          "violations: deadline");
}

TEST_CASE("traces of version 1.0 are read: goals judged input by input, no verdict", "[trace]") {
  Folder folder;
  const auto without = [](std::string line, const std::string& part, const std::string& by = "") {
    const size_t at = line.find(part);
    REQUIRE(at != std::string::npos);
    return line.replace(at, part.size(), by);
  };
  std::string header = without(header_line, R"("schema_version":"1.1")", R"("schema_version":"1.0")");
  header = without(header, R"(,"judge":"mean","goal_tolerance":{"accuracy":0.001,"energy":0.01})");
  put(folder / "a.jsonl", header + without(full_line, R"(,"mean_accuracy":false,"mean_energy":null)") +
                              without(bare_line, R"(,"mean_accuracy":null,"mean_energy":null)") +
                              without(end_line, R"(,"verdict":null)"));
  const TraceFile trace = read_trace(folder / "a.jsonl");
  CHECK(trace.header.goals.judge == Judge::strict);
  CHECK(trace.inputs.size() == 2);
  CHECK_FALSE(trace.inputs[0].violations.mean_accuracy);
  CHECK_FALSE(trace.verdict);
  CHECK(trace.status == "complete");
}

TEST_CASE("traces of a newer minor version are read without the keys that are new", "[trace]") {
  Folder folder;
  const auto changed = [](std::string line, const std::string& part, const std::string& by) {
    const size_t at = line.find(part);
    REQUIRE(at != std::string::npos);
    return line.replace(at, part.size(), by);
  };
  const std::string header = changed(header_line, R"("schema_version":"1.1")", R"("schema_version":"1.7")");
  const std::string lines = changed(full_line, R"("busy_s")", R"("new":{"x":[1]},"busy_s")") +
                            changed(bare_line, R"("violations":{)", R"("violations":{"new":true,)") +
                            changed(end_line, R"("reason")", R"("new":null,"reason")");
  put(folder / "a.jsonl", changed(header, R"("goals":{)", R"("goals":{"new":1,)") + lines);
  const TraceFile trace = read_trace(folder / "a.jsonl");
  CHECK(trace.inputs.size() == 2);
  CHECK(trace.inputs[0].outcome.busy_s == 0.025);
  CHECK(trace.status == "complete");

  put(folder / "b.jsonl", header_line + lines);  // of the same version: strict
  CHECK_THROWS_WITH(read_trace(folder / "b.jsonl"), ContainsSubstring("line 2: new: unknown key"));
  put(folder / "c.jsonl", header + changed(full_line, R"("busy_s":0.025,)", ""));
  CHECK_THROWS_WITH(read_trace(folder / "c.jsonl"), ContainsSubstring("busy_s: is missing"));
  put(folder / "d.jsonl", changed(header_line, R"("1.1")", R"("2.0")") + lines);
  CHECK_THROWS_WITH(read_trace(folder / "d.jsonl"), ContainsSubstring("update alert-bench"));
}

TEST_CASE("check_trace_line judges single lines", "[trace]") {
  CHECK_NOTHROW(check_trace_line(nlohmann::json::parse(header_line), "x"));
  CHECK_NOTHROW(check_trace_line(nlohmann::json::parse(full_line), "x"));
  CHECK_NOTHROW(check_trace_line(nlohmann::json::parse(end_line), "x"));
  CHECK_THROWS_WITH(check_trace_line(nlohmann::json::parse(R"({"record":"inputs"})"), "x"),
                    ContainsSubstring("did you mean \"input\"?"));
  CHECK_THROWS_AS(check_trace_line(nlohmann::json::parse("3"), "x"), InputError);
}

TEST_CASE("a disk that is full is told by the file's name", "[trace]") {
  CHECK_THROWS_AS(TraceWriter("/dev/full", small_header(), small_profile()), RunError);
  CHECK_THROWS_WITH(TraceWriter("/dev/full", small_header(), small_profile()),
                    ContainsSubstring("/dev/full") && ContainsSubstring("space"));
  CHECK_THROWS_AS(TraceWriter("/nowhere/a.jsonl", small_header(), small_profile()), RunError);
}

TEST_CASE("a disk that fills up within a line keeps the lines before it whole", "[trace]") {
  Folder folder;
  const std::string path = folder / "a.jsonl";
  TraceWriter writer(path, small_header(), small_profile());
  writer.write(full_record());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = header_line.size() + full_line.size() + 50;
  setrlimit(RLIMIT_FSIZE, &tight);
  std::string message;
  try {
    writer.write(bare_record());
  } catch (const RunError& e) {
    message = e.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK_THAT(message, ContainsSubstring(path));
  CHECK(content_of(path) == header_line + full_line);
  writer.finish("partial", "disk full");
  const TraceFile trace = read_trace(path);
  CHECK(trace.status == "partial");
  CHECK(trace.reason == "disk full");
  CHECK(trace.inputs.size() == 1);
}

TEST_CASE("a replay's lines are held back, and kept by whatever ends its writer", "[trace]") {
  Folder folder;
  const std::string path = folder / "a.jsonl";
  {
    TraceHeader header = small_header();
    header.mode = "replay";
    TraceWriter writer(path, header, small_profile());
    const std::string first_line = content_of(path);
    writer.write(full_record());
    CHECK(content_of(path) == first_line);
    for (int64_t input = 4; input < 1000; ++input) {
      InputRecord record = full_record();
      record.input = input;
      writer.write(record);
    }
    CHECK(content_of(path).size() > 64 * 1024);
  }
  const TraceFile trace = read_trace(path);
  CHECK(trace.status == "partial");
  CHECK(trace.inputs.size() == 997);
}

TEST_CASE("traces keep the published schema", "[trace]") {
  Folder folder;
  write_golden(folder / "a.jsonl");
  check_schema(folder, "a.jsonl");
}

TEST_CASE("a trace of words and questions: their figures, a deadline that is gone, and the schema",
          "[trace]") {
  Folder folder;
  {
    TraceWriter writer(folder / "a.jsonl", small_header(), small_profile());
    InputRecord word = bare_record();
    word.deadline_from_arrival_s = 0;
    word.outcome.correct = Correctness{false, true, 1.0 / 3, {}, 0.5};
    writer.write(word);
    InputRecord question = bare_record();
    question.input = 5;
    question.outcome.correct = Correctness{false, {}, {}, 0.1};
    writer.write(question);
    writer.finish();
  }
  CHECK_THAT(content_of(folder / "a.jsonl"),
             ContainsSubstring(R"("deadline_s":0,)") &&
                 ContainsSubstring(
                     R"("correct":{"top1":false,"top5":true,"nll":0.333333333333,"guess_nll":0.5},)") &&
                 ContainsSubstring(R"("correct":{"top1":false,"f1":0.1},)"));
  const TraceFile trace = read_trace(folder / "a.jsonl");
  REQUIRE(trace.inputs.size() == 2);
  const TraceInput &word = trace.inputs[0], &question = trace.inputs[1];
  REQUIRE((word.outcome.correct && question.outcome.correct));
  CHECK(word.deadline_from_arrival_s == 0);
  CHECK(word.outcome.correct->top5 == true);
  CHECK(*word.outcome.correct->nll == Approx(1.0 / 3));
  CHECK(word.outcome.correct->guess_nll == 0.5);
  CHECK_FALSE(word.outcome.correct->f1);
  CHECK_FALSE(question.outcome.correct->top5);
  CHECK_FALSE(question.outcome.correct->nll);
  CHECK(question.outcome.correct->f1 == 0.1);
  check_schema(folder, "a.jsonl");
}

TEST_CASE("time of formatting a line", "[.][benchmark]") {
  const std::vector<std::string> models{"\"resnet\"", "\"nested\""};
  const std::vector<double> caps{35, 100};
  LineBuffer out;
  const auto start = std::clock();
  constexpr int lines = 200000;
  for (int i = 0; i < lines; ++i) {
    out.clear();
    InputRecord record = full_record();
    record.arrival_s = i * 0.0500123;
    record.outcome.latency_s = 0.1 / (i + 3);
    format_input(out, record, models, caps, "\"memory-1\"");
  }
  WARN(1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / lines << " us a line");
}
