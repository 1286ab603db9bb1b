#include <zlib.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "base/cgroup.h"
#include "base/error.h"
#include "base/json_lines.h"
#include "base/json_reader.h"
#include "base/sha256.h"
#include "contention/schedule.h"
#include "evaluation/evaluation.h"
#include "models/aotinductor_package.h"
#include "models/network_file.h"
#include "models/network_memory.h"
#include "models/state_dict_file.h"
#include "models/stored_zip.h"
#include "models/tensor_pickle.h"
#include "power/cpufreq/cpufreq.h"
#include "power/cpufreq/frequency_table.h"
#include "power/cpufreq/sensors.h"
#include "power/guard/cap_state.h"
#include "power/rapl/powercap_tree.h"
#include "reader.h"
#include "recording/npy.h"
#include "recording/recording.h"
#include "report/result_file.h"
#include "result/result_content.h"
#include "scenario/arrival_spec.h"
#include "scenario/scenario.h"
#include "scratch.h"
#include "sweep/plan.h"
#include "sweep/sweep_file.h"
#include "trace/trace_reader.h"
#include "workloads/fashion_mnist.h"
#include "workloads/image_folder.h"
#include "workloads/jpeg.h"
#include "workloads/preprocess.h"
#include "workloads/ptb.h"
#include "workloads/squad.h"
#include "workloads/squad_windows.h"
#include "workloads/wordpiece.h"

namespace fuzz {
namespace {

using namespace alertbench;
using Bytes = std::string_view;

constexpr double longest_s = 1;

void need(bool promise, const char* what) {
  if (!promise) throw std::logic_error(what);
}

void read_scenario(const std::string& path) {
  const Scenario s = Scenario::read(path, {});
  const std::string effective = json_text(s.to_json());
  const Scenario again = Scenario::from_json(parse_json(effective, "effective"), s.path);
  need(json_text(again.to_json()) == effective, "an effective scenario does not read back");
  make_schedule(s.co_runner.schedule, s.inputs, s.seeds.schedule);
}

void scenario(Bytes bytes) { read_scenario(scratch_file("scenario.json", bytes)); }

void scenario_extends(Bytes bytes) {
  const ScratchTree tree(bytes);
  read_scenario(tree.root() + "/scenario.json");
}

void network(Bytes bytes) {
  const std::string path = scratch_file("network.json", bytes);
  for (const NetworkSpec& n : NetworkFile::read(path, false).networks) {
    n.parameters();
    n.multiply_accumulates();
    n.stage_accuracy();
    need(static_cast<int>(n.parts().size()) >= n.stages() || !n.is_cascade(), "a cascade lacks a member");
    need(!n.images().empty(), "a network has no input");
    to_json(n.accuracy, n.accuracy_unit());
    need(!(memory_needed_bytes(n) < 0), "a network needs less than no memory");
  }
  NetworkFile::read(path, true);
}

void profile(Bytes bytes) {
  const Profile p = Profile::read(scratch_file("profile.json", bytes));
  json_text(p.to_json());
  p.reference_latency_s();
  for (const double cap : p.caps_w) p.power_model.active_w(cap);
}

// recording.json has "@FILE" where the checksum of FILE belongs, so that changes of the other files come
// through.
void recording(Bytes bytes) {
  std::string bundle(bytes);
  for (const auto& [name, content] : split_bundle(bytes)) {
    const std::string wanted = "\"@" + name + "\"";
    if (const size_t at = bundle.find(wanted); at != std::string::npos)
      bundle.replace(at, wanted.size(), '"' + sha256_of(content) + '"');
  }
  const ScratchTree tree(bundle);
  const Recording r = Recording::load(tree.root());
  need(r.truth.stage_end_s.size() == static_cast<size_t>(r.truth.inputs * r.truth.rows * r.truth.caps),
       "times are missing");
}

template <class T>
void npy_of(const std::string& path) {
  try {
    read_npy<T>(path);
  } catch (const InputError&) {
  }
}

void npy(Bytes bytes) {
  const std::string path = scratch_file("array.npy", bytes);
  npy_of<double>(path);
  npy_of<float>(path);
  npy_of<uint8_t>(path);
  npy_of<int64_t>(path);
}

void trace(Bytes bytes) { read_trace(scratch_file("trace.jsonl", bytes)); }

// evaluation.json or summary.json, and what is shown of it.
void result(Bytes bytes) {
  ResultFile r = ResultFile::read(scratch_file("result.json", bytes));
  r.json();
  const Document document = r.report();
  to_text(document);
  to_markdown(document);
  to_csv(document.values);
  to_html(document, {});
  if (r.evaluation) r.evaluation->total();
}

void manifest(Bytes bytes) {
  const ScratchTree tree(bytes);
  content_of_result(tree.root());
}

void sweep(Bytes bytes) { SweepFile::read(scratch_file("sweep.json", bytes)); }
void plan(Bytes bytes) { json_text(Plan::read(scratch_file("plan.json", bytes)).to_json()); }
void cap_state(Bytes bytes) { json_text(to_json(read_cap_state(scratch_file("power-caps.json", bytes)))); }

// Every number that shape and stride lead to lies in the file.
void read_weights(const std::string& path) {
  const StateDictFile file = StateDictFile::read(path);
  size_t sum = 0;
  for (const StoredTensor& t : file.tensors()) {
    need(t.shape.size() == t.stride.size(), "a tensor of two shapes");
    if (!t.data.empty())
      sum += static_cast<unsigned char>(t.data.front()) + static_cast<unsigned char>(t.data.back());
  }
  volatile size_t used = sum;
  static_cast<void>(used);
}

void state_dict(Bytes bytes) { read_weights(scratch_file("weights.pt", bytes)); }
void safetensors(Bytes bytes) { read_weights(scratch_file("weights.safetensors", bytes)); }
void pickle(Bytes bytes) { TensorPickle(bytes, "pickle").tensors(); }

void safetensors_index(Bytes bytes) {
  const ScratchTree tree(bytes);
  read_weights(tree.root() + "/model.safetensors.index.json");
}

std::string number(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

// A sound archive with these members: checksums would stop most changes of the archive itself.
std::string archive_of(Bytes bytes) {
  std::string body, directory;
  size_t count = 0;
  for (const auto& [name, data] : split_bundle(bytes)) {
    const uint64_t checksum = crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
    const std::string common = number(0, 6) + number(checksum, 4) + number(data.size(), 4) +
                               number(data.size(), 4) + number(name.size(), 2);
    directory += "PK\1\2" + number(0, 6) + common + std::string(12, '\0') + number(body.size(), 4) + name;
    body += "PK\3\4" + number(0, 4) + common + number(0, 2) + name;
    body += data;
    ++count;
  }
  const std::string end = "PK\5\6" + number(0, 4) + number(count, 2) + number(count, 2) +
                          number(directory.size(), 4) + number(body.size(), 4);
  return body + directory + end + number(0, 2);
}

void state_dict_members(Bytes bytes) { state_dict(archive_of(bytes)); }
void aotinductor_members(Bytes bytes) {
  check_machine(read_aotinductor_package(scratch_file("network.pt2", archive_of(bytes))),
                {"x86_64", "processor", {"avx2", "fma", "f16c"}}, "");
}

void vocabulary(Bytes bytes) {
  const Vocabulary v = Vocabulary::read(scratch_file("vocab.txt", bytes));
  tokenize(v, "Who wrote the \xc3\x89tudes, and when?");
}

void tokens(Bytes bytes) {
  static const Vocabulary v = Vocabulary::read(
      scratch_file("fixed-vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##a\nb\n##b\n?\n1\n##1\n"));
  const std::string text(bytes);
  for (const Token& t : tokenize(v, text))
    need(t.span.begin <= t.span.end && t.span.end <= text.size(), "a token outside its text");
  squad_windows(v, "a b?", text);
}

void squad(Bytes bytes) {
  const SquadData data = SquadData::read(scratch_file("dev-v1.1.json", bytes));
  for (const SquadQuestion& q : data.questions)
    need(q.context < data.contexts.size() && !q.answers.empty(), "a question without context or answer");
}

void squad_predictions(Bytes bytes) { read_squad_predictions(scratch_file("predictions.json", bytes)); }

void ptb(Bytes bytes) {
  const ScratchTree tree(bytes);
  const Ptb text(tree.root());
  text.unigram(PtbSplit::valid);
}

void fashion_mnist(Bytes bytes) {
  const ScratchTree tree(bytes);
  const FashionMnist data(tree.root());
  need(data.pixels().size() == data.labels().size() * FashionMnist::side * FashionMnist::side,
       "images without labels");
}

void jpeg(Bytes bytes) {
  const Pixels p = read_jpeg(scratch_file("image.jpg", bytes));
  need(p.hwc.size() ==
           static_cast<size_t>(p.channels) * static_cast<size_t>(p.height) * static_cast<size_t>(p.width),
       "pixels are missing");
  ImageSpec small;
  small.height = small.width = 8;
  preprocess(p, small);
}

void image_list(Bytes bytes) {
  const ScratchTree tree(bytes);
  const ImageFolder folder(tree.root(), 10);
  for (int64_t n = 0; n < folder.size(); ++n)
    need(folder.label(n) >= 0 && folder.label(n) < 10, "a label out of range");
}

void arrivals(Bytes bytes) {
  const std::string path = scratch_file("times.txt", bytes);
  for (const std::optional<int> column : {std::optional<int>(), std::optional<int>(1)}) {
    try {
      const std::vector<double> times = read_arrival_times(path, column, 1000);
      need(!times.empty() && times.size() <= 1000, "a file of arrivals has no times, or too many");
      need(std::is_sorted(times.begin(), times.end()), "times of arrivals decrease");
    } catch (const InputError&) {
    }
  }
}

void schedule(Bytes bytes) {
  for (const char* name : {"schedule.txt", "schedule.json"}) {
    ScheduleSpec spec;
    spec.kind = "list";
    try {
      spec.on_ranges = read_on_ranges(scratch_file(name, bytes));
      const auto on = make_schedule(spec, 1000, 1);
      spec.on_ranges = on_ranges_of(on);
      need(make_schedule(spec, 1000, 1) == on, "a schedule does not read back");
    } catch (const InputError&) {
    }
  }
}

// /sys and /proc of a machine: powercap zones, cpufreq, sensors, control groups.
void machine(Bytes bytes) {
  const ScratchTree tree(bytes);
  const PowercapTree powercap = read_powercap_tree(tree.root());
  json_text(to_json(powercap));
  powercap.packages();
  powercap.energy_domains();
  json_text(to_json(probe_cpufreq(tree.root())));
  json_text(to_json(probe_sensors(tree.root())));
  read_cgroup_limits(tree.root());
}

void power_model(Bytes bytes) {
  scratch_file("model.json", bytes);
  static const nlohmann::json around = {
      {"schema_version", "1.0"},
      {"name", "n"},
      {"workload", {{"name", "fashion-mnist"}}},
      {"networks", "n.json"},
      {"goals", {{{"name", "g"}, {"task", "min_energy"}, {"deadline_s", 1}, {"accuracy", 0.5}}}},
      {"power", {{"model", "model.json"}, {"caps_w", {1000}}}}};
  const PowerModel m = Scenario::from_json(around, scratch_folder() + "/scenario.json").power_model;
  m.speed(1000);
  m.active_w(1000);
}

void frequency_table(Bytes bytes) {
  const FrequencyTable table = FrequencyTable::read(scratch_file("table.json", bytes), "table", "");
  table.frequency_for(table.points().front().cap_w);
  FrequencyTable::read(nlohmann::json::parse(json_text(table.to_json())), "again", "");
}

void json_of_any_kind(Bytes bytes) {
  const std::string text = json_text(parse_json<nlohmann::ordered_json>(bytes, "json"));
  need(json_text(parse_json<nlohmann::ordered_json>(text, "again")) == text, "JSON does not read back");
}

double processor_time_s() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double slowest = 0;

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all{{"aotinductor-members", aotinductor_members},
                                       {"arrivals", arrivals},
                                       {"cap-state", cap_state},
                                       {"fashion-mnist", fashion_mnist},
                                       {"frequency-table", frequency_table},
                                       {"image-list", image_list},
                                       {"jpeg", jpeg},
                                       {"json", json_of_any_kind},
                                       {"machine", machine},
                                       {"manifest", manifest},
                                       {"network", network},
                                       {"npy", npy},
                                       {"pickle", pickle},
                                       {"plan", plan},
                                       {"power-model", power_model},
                                       {"profile", profile},
                                       {"ptb", ptb},
                                       {"recording", recording},
                                       {"result", result},
                                       {"safetensors", safetensors},
                                       {"safetensors-index", safetensors_index},
                                       {"scenario", scenario},
                                       {"scenario-extends", scenario_extends},
                                       {"schedule", schedule},
                                       {"squad", squad},
                                       {"squad-predictions", squad_predictions},
                                       {"state-dict", state_dict},
                                       {"state-dict-members", state_dict_members},
                                       {"sweep", sweep},
                                       {"tokens", tokens},
                                       {"trace", trace},
                                       {"vocabulary", vocabulary}};
  return all;
}

const Reader& reader_named(std::string_view name) {
  std::string known;
  for (const Reader& r : readers()) {
    if (name == r.name) return r;
    known += std::string(known.empty() ? "" : ", ") + r.name;
  }
  throw std::invalid_argument("no reader \"" + std::string(name) + "\"; there are " + known);
}

std::string run(const Reader& reader, std::string_view bytes) {
  const double begin = processor_time_s();
  std::string refusal;
  try {
    reader.read(bytes);
  } catch (const InputError& e) {
    refusal = e.what();
    need(!refusal.empty(), "an error without a message");
  }
  const double took = processor_time_s() - begin;
  slowest = std::max(slowest, took);
  if (took > longest_s) throw std::runtime_error("took " + std::to_string(took) + " s");
  return refusal;
}

double slowest_s() { return slowest; }

}  // namespace fuzz
