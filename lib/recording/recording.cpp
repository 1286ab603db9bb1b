#include "recording/recording.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <type_traits>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/sha256.h"
#include "recording/npy.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* part_name = "/inputs.part.jsonl";
constexpr double longest_count = 9e15;  // whole numbers below it survive JSON
constexpr double highest = 1e12;        // of what has no other bound
// No network is faster or slower; what controllers compute from times within these stays finite.
constexpr double shortest_time_s = 1e-9, longest_time_s = 1e6;
constexpr int64_t most_members = 1000000000;

struct ArrayFact {
  const char *name, *unit, *meaning;
};
constexpr ArrayFact stage_end{"stage_end_s", "s",
                              "when a stage ended, from the start of the execution, contention included: "
                              "[input][row][cap]"};
constexpr ArrayFact members_left{"members_left", "inputs",
                                 "how many of the inputs that share a deadline are still to come: [input]"};
constexpr ArrayFact co_runner{"co_runner_on", "1", "1 where the co-runner was on: [input]"};

// Arrays of the truth table that are empty if a workload does not have them.
template <class T>
struct OptionalArray {
  ArrayFact fact;
  std::vector<T> TruthTable::*values;
  bool each_row;  // [input][row], else [input]
  T highest;
};
constexpr OptionalArray<uint8_t> optional_flags[] = {
    {{"top1", "1", "1 where the stage's first answer was right: [input][row]"}, &TruthTable::top1, true, 1},
    {{"top5", "1", "1 where the right answer was among the stage's first five: [input][row]"},
     &TruthTable::top5,
     true,
     1},
    {{"missed_top1", "1", "top1 of the guess that replaces a missed output: [input]"},
     &TruthTable::missed_top1,
     false,
     1},
    {{"missed_top5", "1", "top5 of that guess: [input]"}, &TruthTable::missed_top5, false, 1}};
constexpr OptionalArray<double> optional_numbers[] = {
    {{"nll", "nats", "-ln of the probability that the stage gave to the word that came: [input][row]"},
     &TruthTable::nll,
     true,
     highest},
    {{"f1", "1", "words that the stage's answer shares with the right one, 0 to 1: [input][row]"},
     &TruthTable::f1,
     true,
     1},
    {{"missed_nll", "nats", "nll of the guess that replaces a missed output: [input]"},
     &TruthTable::missed_nll,
     false,
     highest},
    {{"size", "size_unit of profile.json", "size of the input: [input]"}, &TruthTable::size, false, highest}};

size_t values_of(const TruthTable& truth, bool each_row) {
  return static_cast<size_t>(truth.inputs) * (each_row ? static_cast<size_t>(truth.rows) : 1);
}

void make_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot create this folder ({})", folder, error.message()));
}

// What is wrong with the finish times of one input, [row][cap]; empty: nothing.
std::string times_problem(const Profile& profile, const double* end_s) {
  const int caps = profile.caps();
  int row = 0;
  for (const auto& model : profile.models)
    for (int stage = 1; stage <= model.stages(); ++stage, ++row)
      for (int cap = 0; cap < caps; ++cap) {
        const double time = end_s[row * caps + cap];
        const auto at = [&] {
          return fmt::format("stage_end_s of {}, stage {}, {} W: {}", model.name, stage,
                             profile.caps_w[static_cast<size_t>(cap)], time);
        };
        if (!std::isfinite(time) || time <= 0) return at() + " is not a time above 0";
        if (time < shortest_time_s || time > longest_time_s)
          return fmt::format("{} s is outside {} to {} s; times are in seconds", at(), shortest_time_s,
                             longest_time_s);
        if (stage > 1 && time < end_s[(row - 1) * caps + cap])
          return at() + " is before that of the previous stage";
      }
  return {};
}

template <class T>
std::string problem_of(const TruthTable& truth, const OptionalArray<T>& array) {
  const std::vector<T>& values = truth.*array.values;
  const size_t expected = values_of(truth, array.each_row);
  if (values.empty()) return {};
  if (values.size() != expected)
    return fmt::format("{}: {} values, expected {}", array.fact.name, values.size(), expected);
  for (const T value : values)
    if (!(value >= 0 && value <= array.highest))
      return fmt::format("{}: {} is not between 0 and {}", array.fact.name, value, array.highest);
  return {};
}

// What is wrong with the whole table; empty: nothing. `begun`: no input need be complete yet.
std::string problem_of(const Recording& recording, bool begun = false) {
  const TruthTable& truth = recording.truth;
  const Profile& profile = recording.profile;
  const auto inputs = static_cast<size_t>(truth.inputs);
  if (truth.inputs < 1 && !begun) return "it has no complete input";
  if (truth.inputs > recording.planned_inputs)
    return fmt::format("{} inputs, but only {} were planned", truth.inputs, recording.planned_inputs);
  if (truth.rows != profile.rows() || truth.caps != profile.caps())
    return fmt::format("{} rows x {} caps, but the profile has {} x {}", truth.rows, truth.caps,
                       profile.rows(), profile.caps());
  const auto rows = static_cast<size_t>(truth.rows), cells = rows * static_cast<size_t>(truth.caps);
  if (truth.stage_end_s.size() != inputs * cells)
    return fmt::format("stage_end_s: {} values, expected {}", truth.stage_end_s.size(), inputs * cells);
  if (recording.input_ids.size() != inputs)
    return fmt::format("input_ids: {} names, expected {}", recording.input_ids.size(), inputs);
  for (size_t input = 0; input < inputs; ++input)
    if (const auto problem = times_problem(profile, truth.stage_end_s.data() + input * cells);
        !problem.empty())
      return fmt::format("input {}: {}", input, problem);
  if (truth.co_runner_on.size() != inputs)
    return fmt::format("co_runner_on: {} values, expected {}", truth.co_runner_on.size(), inputs);
  for (const uint8_t flag : truth.co_runner_on)
    if (flag > 1) return fmt::format("co_runner_on: {} is neither 0 nor 1", flag);
  for (const auto& array : optional_flags)
    if (auto problem = problem_of(truth, array); !problem.empty()) return problem;
  for (const auto& array : optional_numbers)
    if (auto problem = problem_of(truth, array); !problem.empty()) return problem;
  for (const double size : truth.size)
    if (!(size > 0)) return fmt::format("size: {} is not above 0", size);
  if (!truth.members_left.empty() && truth.members_left.size() != inputs)
    return fmt::format("members_left: {} values, expected {}", truth.members_left.size(), inputs);
  for (const int64_t left : truth.members_left)
    if (left < 1 || left > most_members)
      return fmt::format("members_left: {} is not between 1 and {}", left, most_members);
  if (truth.top1.empty() &&
      (!truth.top5.empty() || !truth.nll.empty() || !truth.f1.empty() || !truth.missed_top1.empty() ||
       !truth.missed_top5.empty() || !truth.missed_nll.empty()))
    return "correctness without top1";
  if (truth.nll.empty() != truth.missed_nll.empty()) return "nll and missed_nll: only one of them exists";
  return {};
}

void append_input(Recording& recording, const RecordedInput& input) {
  TruthTable& truth = recording.truth;
  truth.stage_end_s.insert(truth.stage_end_s.end(), input.stage_end_s.begin(), input.stage_end_s.end());
  for (const Correctness& c : input.correct) {
    truth.top1.push_back(c.top1);
    if (c.top5) truth.top5.push_back(*c.top5);
    if (c.nll) truth.nll.push_back(*c.nll);
    if (c.f1) truth.f1.push_back(*c.f1);
  }
  if (input.missed) {
    truth.missed_top1.push_back(input.missed->top1);
    if (input.missed->top5) truth.missed_top5.push_back(*input.missed->top5);
    if (input.missed->nll) truth.missed_nll.push_back(*input.missed->nll);
  }
  truth.members_left.push_back(input.facts.members_left);
  truth.size.push_back(input.facts.size);
  truth.co_runner_on.push_back(input.co_runner_on);
  recording.input_ids.push_back(input.input_id);
  ++truth.inputs;
}

// What is wrong with the next input; empty: nothing.
std::string problem_of(const Recording& recording, const RecordedInput& input) {
  const TruthTable& truth = recording.truth;
  const auto rows = static_cast<size_t>(truth.rows), cells = rows * static_cast<size_t>(truth.caps);
  if (truth.inputs == recording.planned_inputs)
    return fmt::format("only {} inputs were planned", truth.inputs);
  if (input.stage_end_s.size() != cells)
    return fmt::format("stage_end_s: {} values, expected {}", input.stage_end_s.size(), cells);
  if (auto problem = times_problem(recording.profile, input.stage_end_s.data()); !problem.empty())
    return problem;
  if (input.facts.members_left < 1 || !(input.facts.size > 0 && input.facts.size <= highest))
    return fmt::format("members left {}, size {}: both must be above 0", input.facts.members_left,
                       input.facts.size);
  const size_t judged = truth.inputs == 0 ? input.correct.size() : truth.top1.empty() ? 0 : rows;
  if (input.correct.size() != judged || (judged != 0 && judged != rows))
    return fmt::format("correct: {} values, expected {}", input.correct.size(), judged == 0 ? 0 : rows);
  if (input.missed.has_value() != (judged != 0))
    return fmt::format("missed: is {} correct", input.missed ? "present without" : "absent despite");
  if (judged == 0) return {};
  std::vector<Correctness> all = input.correct;
  all.push_back(*input.missed);
  const bool top5 = truth.inputs == 0 ? all[0].top5.has_value() : !truth.top5.empty(),
             nll = truth.inputs == 0 ? all[0].nll.has_value() : !truth.nll.empty(),
             f1 = truth.inputs == 0 ? all[0].f1.has_value() : !truth.f1.empty();
  for (const Correctness& c : all) {
    if (c.top5.has_value() != top5 || c.nll.has_value() != nll || c.f1.has_value() != f1)
      return "correct, missed: not the same values for every stage, every input and a miss";
    if (nll && !(*c.nll >= 0 && *c.nll <= highest))
      return fmt::format("nll: {} is not between 0 and {}", *c.nll, highest);
    if (f1 && !(*c.f1 >= 0 && *c.f1 <= 1)) return fmt::format("f1: {} is not between 0 and 1", *c.f1);
  }
  return {};
}

ordered_json to_json(const Correctness& c) {
  ordered_json j = {{"top1", c.top1}};
  if (c.top5) j["top5"] = *c.top5;
  if (c.nll) j["nll"] = *c.nll;
  if (c.f1) j["f1"] = *c.f1;
  return j;
}

Correctness correctness_from(JsonReader reader) {
  Correctness c;
  reader.raw("top1");
  c.top1 = reader.boolean("top1", false);
  if (reader.has("top5")) c.top5 = reader.boolean("top5", false);
  c.nll = reader.optional_number("nll", 0, highest);
  c.f1 = reader.optional_number("f1", 0, 1);
  reader.finish();
  return c;
}

std::string part_line(const RecordedInput& input) {
  ordered_json correct = ordered_json::array();
  for (const Correctness& c : input.correct) correct.push_back(to_json(c));
  return json_text({{"input_id", input.input_id},
                    {"co_runner_on", input.co_runner_on},
                    {"members_left", input.facts.members_left},
                    {"size", input.facts.size},
                    {"stage_end_s", input.stage_end_s},
                    {"correct", correct},
                    {"missed", input.missed ? to_json(*input.missed) : ordered_json()}}) +
         "\n";
}

RecordedInput parse_part_line(const json& line, const std::string& where, UnknownKeys unknown) {
  JsonReader reader(line, where, unknown);
  RecordedInput input;
  input.input_id = reader.text("input_id");
  reader.raw("co_runner_on");
  input.co_runner_on = reader.boolean("co_runner_on", false);
  input.facts.members_left = reader.integer("members_left", 1, std::numeric_limits<int>::max());
  input.facts.size = reader.number("size", 0, highest);
  input.stage_end_s = reader.numbers("stage_end_s", 0, 1e300);
  for (JsonReader& c : reader.objects("correct")) input.correct.push_back(correctness_from(c));
  if (reader.has("missed")) input.missed = correctness_from(reader.object("missed"));
  reader.finish();
  return input;
}

ordered_json description(const Recording& recording, const char* status, const std::string& folder) {
  ordered_json rows = ordered_json::array();
  for (const auto& model : recording.profile.models)
    for (int stage = 1; stage <= model.stages(); ++stage)
      rows.push_back({{"model", model.name}, {"stage", stage}});
  return {
      {"schema_version", recording_schema_version},
      {"status", status},
      {"workload", recording.profile.workload},
      {"planned_inputs", recording.planned_inputs},
      {"inputs", recording.truth.inputs},
      {"rows", rows},
      {"caps_w", recording.profile.caps_w},
      {"profile", {{"file", "profile.json"}, {"sha256", hash_file(folder + "/profile.json").sha256}}},
      {"arrays", ordered_json::object()},
      {"info", recording.info.is_null() ? ordered_json::object() : recording.info},
      {"input_ids", recording.input_ids},
  };
}

void write_description(const std::string& folder, const ordered_json& root) {
  write_file_atomically(folder + "/recording.json", json_text(root, 2) + "\n");
}

template <class T>
ordered_json save_array(const std::string& folder, const ArrayFact& fact, const std::vector<int64_t>& shape,
                        const std::vector<T>& values) {
  const std::string file = std::string(fact.name) + ".npy";
  write_npy(folder + "/" + file, shape, values);
  return {{"file", file},      {"dtype", npy_dtype<T>()},
          {"shape", shape},    {"sha256", hash_file(folder + "/" + file).sha256},
          {"unit", fact.unit}, {"meaning", fact.meaning}};
}

// The path of a file that an object of recording.json names, once its checksum is right.
std::string checked_file(JsonReader& reader, const std::string& folder) {
  const std::string name = reader.text("file");
  if (name.empty() || name == ".." || name.find('/') != std::string::npos)
    reader.fail("file", fmt::format("\"{}\" is not a file in this folder", name));
  const std::string path = folder + "/" + name, expected = reader.text("sha256");
  if (const auto found = hash_file(path).sha256; found != expected)
    throw InputError(fmt::format("{}: damaged, or not the recorded file: SHA-256 {}, recording.json says {}",
                                 path, found, expected));
  return path;
}

template <class T>
std::vector<T> load_array(JsonReader& arrays, const std::string& folder, const ArrayFact& fact,
                          const std::vector<int64_t>& shape) {
  JsonReader reader = arrays.object(fact.name);
  const std::string path = checked_file(reader, folder);
  reader.one_of("dtype", npy_dtype<T>(), {npy_dtype<T>()});
  for (const char* known : {"shape", "unit", "meaning"}) reader.raw(known);
  reader.finish();
  return std::move(read_npy<T>(path, shape).values);
}

int64_t count(JsonReader& reader, const std::string& key) {
  const double number = reader.number(key, 0, longest_count);
  if (number != std::floor(number))
    reader.fail(key, fmt::format("expected a whole number, found {}", number));
  return static_cast<int64_t>(number);
}

void check_rows(JsonReader& reader, const Profile& profile) {
  std::vector<std::pair<std::string, int>> found, expected;
  for (JsonReader& row : reader.objects("rows")) {
    found.emplace_back(row.text("model"), row.integer("stage", 1, max_stages));
    row.finish();
  }
  for (const auto& model : profile.models)
    for (int stage = 1; stage <= model.stages(); ++stage) expected.emplace_back(model.name, stage);
  if (found != expected) reader.fail("rows", "not the models and stages of the profile in this folder");
  if (reader.numbers("caps_w", 0, 1e9) != profile.caps_w)
    reader.fail("caps_w", "not the power caps of the profile in this folder");
  if (reader.text("workload") != profile.workload)
    reader.fail("workload", "not the workload of the profile in this folder");
}

}  // namespace

void Recording::save(const std::string& folder) const {
  if (const auto problem = problem_of(*this); !problem.empty())
    throw RunError(fmt::format("{}: cannot save this recording: {}", folder, problem));
  make_folder(folder);
  write_file_atomically(folder + "/profile.json", json_text(profile.to_json(), 2) + "\n");
  ordered_json root = description(*this, complete() ? "complete" : "partial", folder);
  ordered_json& arrays = root["arrays"];
  arrays[stage_end.name] =
      save_array(folder, stage_end, {truth.inputs, truth.rows, truth.caps}, truth.stage_end_s);
  arrays[co_runner.name] = save_array(folder, co_runner, {truth.inputs}, truth.co_runner_on);
  const auto save_optional = [&](const auto& array) {
    std::vector<int64_t> shape = {truth.inputs};
    if (array.each_row) shape.push_back(truth.rows);
    if (!(truth.*array.values).empty())
      arrays[array.fact.name] = save_array(folder, array.fact, shape, truth.*array.values);
  };
  for (const auto& array : optional_flags) save_optional(array);
  for (const auto& array : optional_numbers) save_optional(array);
  if (!truth.members_left.empty())
    arrays[members_left.name] = save_array(folder, members_left, {truth.inputs}, truth.members_left);
  write_description(folder, root);
}

Recording Recording::load(const std::string& folder_or_json) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(folder_or_json, ignored);
  const std::string folder =
      is_folder ? folder_or_json : (fs::path(folder_or_json).parent_path() / ".").string();
  const std::string path = is_folder ? folder + "/recording.json" : folder_or_json;
  const json root = read_json_file(path);
  JsonReader reader(root, path);
  reader.version(recording_schema_version, "record again");
  const std::string status =
      reader.one_of("status", reader.text("status"), {"running", "complete", "partial"});

  Recording recording;
  JsonReader profile = reader.object("profile");
  recording.profile = Profile::read(checked_file(profile, folder));
  profile.finish();
  check_rows(reader, recording.profile);
  recording.info = reader.raw("info");
  if (!recording.info.is_object()) reader.fail("info", "expected an object");
  recording.planned_inputs = count(reader, "planned_inputs");
  const int64_t inputs = count(reader, "inputs");
  const auto ids = reader.texts("input_ids");
  JsonReader arrays = reader.object("arrays");
  reader.finish();

  TruthTable& truth = recording.truth;
  truth.rows = recording.profile.rows();
  truth.caps = recording.profile.caps();
  if (status == "running") {
    const std::string part = folder + part_name;
    read_json_lines(part, [&](const json& line, int64_t number) {
      const std::string where = fmt::format("{}: line {}", part, number);
      const RecordedInput input = parse_part_line(line, where, reader.unknown_keys());
      if (const auto problem = problem_of(recording, input); !problem.empty())
        throw InputError(fmt::format("{}: {}", where, problem));
      append_input(recording, input);
    });
  } else {
    // Before arrays of that size are read.
    if (static_cast<int64_t>(ids.size()) != inputs)
      throw InputError(fmt::format("{}: not a valid recording: input_ids: {} names, expected {}", path,
                                   ids.size(), inputs));
    truth.inputs = inputs;
    recording.input_ids = ids;
    truth.stage_end_s = load_array<double>(arrays, folder, stage_end, {inputs, truth.rows, truth.caps});
    truth.co_runner_on = load_array<uint8_t>(arrays, folder, co_runner, {inputs});
    const auto load_optional = [&](const auto& array) {
      auto& values = truth.*array.values;
      std::vector<int64_t> shape = {inputs};
      if (array.each_row) shape.push_back(truth.rows);
      using Value = typename std::decay_t<decltype(values)>::value_type;
      if (arrays.has(array.fact.name)) values = load_array<Value>(arrays, folder, array.fact, shape);
    };
    for (const auto& array : optional_flags) load_optional(array);
    for (const auto& array : optional_numbers) load_optional(array);
    if (arrays.has(members_left.name))
      truth.members_left = load_array<int64_t>(arrays, folder, members_left, {inputs});
    arrays.finish();
    if ((status == "complete") != recording.complete())
      throw InputError(fmt::format("{}: status: \"{}\", with {} of {} inputs", path, status, inputs,
                                   recording.planned_inputs));
  }
  if (const auto problem = problem_of(recording, status == "running"); !problem.empty())
    throw InputError(fmt::format("{}: not a valid recording: {}", path, problem));
  return recording;
}

RecordingWriter::RecordingWriter(std::string folder, Profile profile, ordered_json info,
                                 int64_t planned_inputs)
    : folder_(std::move(folder)), part_((make_folder(folder_), folder_ + part_name)) {
  recording_.profile = std::move(profile);
  recording_.info = std::move(info);
  recording_.planned_inputs = planned_inputs;
  recording_.truth.rows = recording_.profile.rows();
  recording_.truth.caps = recording_.profile.caps();
  write_file_atomically(folder_ + "/profile.json", json_text(recording_.profile.to_json(), 2) + "\n");
  write_description(folder_, description(recording_, "running", folder_));
}

namespace {

RecordedInput recorded_input(const Recording& recording, int64_t n) {
  const TruthTable& truth = recording.truth;
  const auto at = static_cast<size_t>(n), rows = static_cast<size_t>(truth.rows),
             cells = rows * static_cast<size_t>(truth.caps);
  RecordedInput input;
  input.input_id = recording.input_ids[at];
  input.stage_end_s.assign(truth.stage_end_s.begin() + static_cast<std::ptrdiff_t>(at * cells),
                           truth.stage_end_s.begin() + static_cast<std::ptrdiff_t>((at + 1) * cells));
  if (!truth.top1.empty()) {
    for (size_t row = 0; row < rows; ++row)
      input.correct.push_back(correctness_of(truth, n, static_cast<int>(row)));
    input.missed = missed_correctness_of(truth, n);
  }
  input.facts = truth.facts_of(n);
  input.co_runner_on = truth.co_runner_on[at] != 0;
  return input;
}

// The part file of what is there, whole before it takes the place of another.
std::string make_part_file(const std::string& folder, const Recording& so_far) {
  std::string lines;
  for (int64_t n = 0; n < so_far.truth.inputs; ++n) lines += part_line(recorded_input(so_far, n));
  write_file_atomically(folder + part_name, lines);
  return folder + part_name;
}

}  // namespace

RecordingWriter::RecordingWriter(std::string folder, Recording so_far)
    : folder_(std::move(folder)),
      recording_(std::move(so_far)),
      part_(make_part_file(folder_, recording_), LineFile::Start::keep) {
  write_description(folder_, description(recording_, "running", folder_));
}

std::vector<std::string> RecordingWriter::file_names() {
  std::vector<std::string> names = {"recording.json", "profile.json", std::string(part_name).substr(1)};
  const auto add = [&](const ArrayFact& fact) { names.push_back(std::string(fact.name) + ".npy"); };
  for (const ArrayFact& fact : {stage_end, members_left, co_runner}) add(fact);
  for (const auto& array : optional_flags) add(array.fact);
  for (const auto& array : optional_numbers) add(array.fact);
  return names;
}

void RecordingWriter::append(const RecordedInput& input) {
  if (const auto problem = problem_of(recording_, input); !problem.empty())
    throw RunError(fmt::format("{}: input {}: {}", folder_, recording_.truth.inputs, problem));
  part_.append(part_line(input));
  append_input(recording_, input);
}

const Recording& RecordingWriter::finish() {
  recording_.save(folder_);
  std::error_code ignored;
  fs::remove(folder_ + part_name, ignored);
  return recording_;
}

}  // namespace alertbench
