#include "core/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/or_null.h"
#include "core/energy_source.h"

namespace alertbench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* schema_version = "1.1";
constexpr double huge = 1e12;  // of what has no other bound
constexpr size_t most_models =
    1000;  // as in a network file; what finds a model's rows looks at all models before it
// No network is faster or slower; what controllers compute from times within these stays finite.
constexpr double shortest_time_s = 1e-9, longest_time_s = 1e6;

struct LatencyField {
  const char* key;
  double LatencyStats::*value;
};
constexpr LatencyField latency_fields[] = {{"mean_s", &LatencyStats::mean_s},
                                           {"median_s", &LatencyStats::median_s},
                                           {"p95_s", &LatencyStats::p95_s},
                                           {"p99_s", &LatencyStats::p99_s},
                                           {"cv", &LatencyStats::cv}};

struct SpeedField {
  const char* key;
  double CapSpeed::*value;
};
constexpr SpeedField speed_fields[] = {
    {"requested", &CapSpeed::requested}, {"achieved", &CapSpeed::achieved}, {"cv", &CapSpeed::cv}};

struct DeviceField {
  const char* key;
  double DeviceTime::*value;
};
constexpr DeviceField device_fields[] = {{"median_s", &DeviceTime::median_s}, {"share", &DeviceTime::share}};

std::vector<double> sized(JsonReader& reader, const char* key, size_t size, const char* each) {
  std::vector<double> values = reader.numbers(key, -huge, huge);
  if (values.size() != size)
    reader.fail(key, fmt::format("has {} values; expected {}, one per {}", values.size(), size, each));
  return values;
}

// An object of one list a field, each with one value a cap.
template <class Row, class Fields>
std::vector<Row> read_by_cap(JsonReader reader, const Fields& fields, size_t caps) {
  std::vector<Row> rows(caps);
  for (const auto& field : fields) {
    const std::vector<double> values = sized(reader, field.key, caps, "cap");
    for (size_t c = 0; c < caps; ++c) rows[c].*field.value = values[c];
  }
  reader.finish();
  return rows;
}

template <class Row, class Fields>
ordered_json by_cap(const std::vector<Row>& rows, const Fields& fields) {
  ordered_json object;
  for (const auto& field : fields) {
    ordered_json& values = object[field.key] = ordered_json::array();
    for (const Row& row : rows) values.push_back(row.*field.value);
  }
  return object;
}

ModelProfile read_model(JsonReader reader, Profile& profile) {
  ModelProfile model;
  model.name = reader.text("name");
  model.random_weights = reader.boolean("random_weights", false);
  model.accuracy_source = reader.text("accuracy_source");
  model.accuracy_on = reader.text("accuracy_on", "");
  model.size_growth = reader.number("size_growth", 0.0, 0.0, 2.0);
  const auto caps = profile.caps_w.size();
  const std::vector<double> active = sized(reader, "active_power_w", caps, "cap");
  profile.active_power_w.insert(profile.active_power_w.end(), active.begin(), active.end());
  if (reader.has("cap_speed"))
    model.cap_speeds = read_by_cap<CapSpeed>(reader.object("cap_speed"), speed_fields, caps);
  if (reader.has("device_time"))
    model.device_times = read_by_cap<DeviceTime>(reader.object("device_time"), device_fields, caps);
  if (reader.has("prepacked")) model.prepacked = reader.boolean("prepacked", false);
  std::vector<JsonReader> stages = reader.objects("stages");
  if (stages.empty() || stages.size() > max_stages)
    reader.fail("stages", fmt::format("has {} entries; expected 1 to {}", stages.size(), max_stages));
  model.accuracy = sized(reader, "accuracy", stages.size(), "stage");
  for (JsonReader& stage : stages) {
    const std::vector<LatencyStats> row = read_by_cap<LatencyStats>(std::move(stage), latency_fields, caps);
    profile.latency.insert(profile.latency.end(), row.begin(), row.end());
  }
  reader.finish();
  return model;
}

// Says what is wrong with one value of the profile; the key is a path below the file.
class Checker {
 public:
  explicit Checker(const std::string& where) : where_(where) {}

  template <class... Args>
  [[noreturn]] void fail(const std::string& key, fmt::format_string<Args...> message, Args&&... args) const {
    throw InputError(
        fmt::format("{}: {}: {}", where_, key, fmt::format(message, std::forward<Args>(args)...)));
  }
  void within(const std::string& key, double value, double low, double high) const {
    if (!(value >= low && value <= high)) fail(key, "{} is outside {} to {}", value, low, high);
  }
  void positive(const std::string& key, double value) const {
    if (!(std::isfinite(value) && value > 0)) fail(key, "{} is not a finite number above 0", value);
  }
  void one_of(const std::string& key, const std::string& value,
              const std::vector<std::string>& allowed) const {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      fail(key, "\"{}\" is not known; it can be: {}", value, fmt::join(allowed, ", "));
  }

 private:
  const std::string& where_;
};

}  // namespace

double PowerModel::speed(double cap_w) const {
  if (!(cap_w > static_w))
    throw InputError(
        fmt::format("power model \"{}\": a cap of {} W is not above its static power of {} W; raise the cap",
                    name, cap_w, static_w));
  return std::min(1.0, std::cbrt((cap_w - static_w) / dynamic_w));
}

double PowerModel::active_w(double cap_w) const { return std::min(cap_w, static_w + dynamic_w); }

PowerModel PowerModel::read(JsonReader reader, const std::optional<PowerModel>& fallback) {
  for (const char* remark : {"$comment", "platform", "caps_w", "sources", "derived", "formula"})
    if (reader.has(remark)) reader.raw(remark);  // for readers of the file
  PowerModel model;
  if (fallback) model = *fallback;
  const auto number = [&](const char* key, double& value, double low) {
    value = fallback ? reader.number(key, value, low, huge) : reader.number(key, low, huge);
  };
  model.name = fallback ? reader.text("name", model.name) : reader.text("name");
  number("static_w", model.static_w, 0);
  number("dynamic_w", model.dynamic_w, 1e-3);
  number("idle_w", model.idle_w, 0);
  reader.finish();
  return model;
}

AccuracyUnit read_accuracy_unit(JsonReader& reader, const std::string& workload) {
  const std::string before_units = to_string(workload == "squad" ? AccuracyUnit::f1 : AccuracyUnit::top1);
  const std::string unit = reader.one_of("accuracy_unit", before_units, {"top1", "f1", "language_quality"});
  return unit == "f1"     ? AccuracyUnit::f1
         : unit == "top1" ? AccuracyUnit::top1
                          : AccuracyUnit::language_quality;
}

std::vector<double> language_quality(const std::vector<double>& perplexity, double guess_perplexity) {
  std::vector<double> quality;
  for (const double p : perplexity) quality.push_back(1 - std::log(p) / std::log(guess_perplexity));
  return quality;
}

void raise_falling_stages(std::vector<double>& accuracy, std::string& on) {
  if (!accuracy.empty() && accuracy[0] < 0) {
    on += fmt::format("; stage 1 measured {:.4f}, worse than a guess, counts as 0", accuracy[0]);
    accuracy[0] = 0;
  }
  for (size_t s = 1; s < accuracy.size(); ++s) {
    if (accuracy[s] >= accuracy[s - 1]) continue;
    on += fmt::format("; stage {} measured {:.4f}, counts as stage {}", s + 1, accuracy[s], s);
    accuracy[s] = accuracy[s - 1];
  }
}

int Profile::rows() const { return first_row(static_cast<int>(models.size())); }

int Profile::first_row(int model) const {
  int row = 0;
  for (int m = 0; m < model; ++m) row += models[static_cast<size_t>(m)].stages();
  return row;
}

int Profile::model_index(const std::string& name) const {
  for (size_t m = 0; m < models.size(); ++m)
    if (models[m].name == name) return static_cast<int>(m);
  return -1;
}

double Profile::size_factor(int model, double size) const {
  // A straight line, kept above 0 for inputs far smaller than those it was fitted to.
  return std::max(0.05, 1 + models[static_cast<size_t>(model)].size_growth * (size - 1));
}

double Profile::reference_latency_s() const {
  double any = 0, anytime = 0;
  for (int m = 0; m < static_cast<int>(models.size()); ++m) {
    const ModelProfile& model = models[static_cast<size_t>(m)];
    const double last_s = latency_of({m, model.stages(), caps() - 1}).mean_s;
    any = std::max(any, last_s);
    if (model.anytime()) anytime = std::max(anytime, last_s);
  }
  return anytime > 0 ? anytime : any;
}

Profile Profile::read(const std::string& path) {
  const json document = read_json_file(path);
  JsonReader reader(document, path);
  reader.version(schema_version, "profile the networks again");
  Profile profile;
  profile.workload = reader.text("workload");
  profile.size_unit = reader.text("size_unit", "");
  profile.mean_size = reader.number("mean_size", 1.0, 1e-9, huge);
  profile.accuracy_unit = read_accuracy_unit(reader, profile.workload);
  profile.caps_w = reader.numbers("caps_w", -huge, huge);
  profile.fail_accuracy = reader.number("fail_accuracy", -huge, huge);
  profile.idle_power_w = reader.number("idle_power_w", -huge, huge);
  profile.energy_source = reader.text("energy_source");
  profile.latency_source = reader.text("latency_source");
  profile.power_backend = reader.text("power_backend");
  if (profile.energy_source == "model" || reader.has("power_model"))
    profile.power_model = PowerModel::read(reader.object("power_model"));
  profile.repetitions = reader.integer("repetitions", 0, 1 << 30);
  profile.pace = reader.one_of("pace", profile.pace, {"live", "none"});  // older ones have none
  profile.host = reader.text("host");
  profile.device = reader.text("device", "cpu");
  profile.threads = reader.integer("threads", 1, 1 << 16);
  profile.noise_verdict = reader.text("noise_verdict", "");
  std::vector<JsonReader> models = reader.objects("models");
  if (models.size() > most_models)
    reader.fail("models", fmt::format("has {} entries; the limit is {}", models.size(), most_models));
  for (JsonReader& model : models) profile.models.push_back(read_model(std::move(model), profile));
  reader.finish();
  profile.check(path);
  return profile;
}

void Profile::check(const std::string& where) const {
  const Checker check(where);
  if (caps_w.empty()) check.fail("caps_w", "is empty; add at least one power cap");
  if (models.empty()) check.fail("models", "is empty; add at least one network");
  for (size_t c = 0; c < caps_w.size(); ++c) {
    check.positive(fmt::format("caps_w[{}]", c), caps_w[c]);
    if (c > 0 && caps_w[c] <= caps_w[c - 1])
      check.fail(fmt::format("caps_w[{}]", c), "{} is not above {}; sort the power caps", caps_w[c],
                 caps_w[c - 1]);
  }
  check.positive("mean_size", mean_size);
  check.within("fail_accuracy", fail_accuracy, 0, 1);
  check.within("idle_power_w", idle_power_w, 0, huge);
  check.one_of("energy_source", energy_source, energy_sources());
  check.within("power_model: static_w", power_model.static_w, 0, huge);
  check.positive("power_model: dynamic_w", power_model.dynamic_w);
  check.within("power_model: idle_w", power_model.idle_w, 0, huge);
  check.within("threads", threads, 1, huge);
  check.within("repetitions", repetitions, 0, huge);

  std::set<std::string> names;
  for (size_t m = 0; m < models.size(); ++m) {
    const ModelProfile& model = models[m];
    const std::string key = fmt::format("models[{}]", m);
    if (model.name.empty()) check.fail(key + ": name", "is empty");
    if (!names.insert(model.name).second)
      check.fail(key + ": name", "duplicate name \"{}\"; rename one of the networks", model.name);
    if (model.stages() < 1 || model.stages() > max_stages)
      check.fail(key + ": accuracy", "has {} stages; expected 1 to {}", model.stages(), max_stages);
    check.within(key + ": size_growth", model.size_growth, 0, 2);
    for (const CapSpeed& speed : model.cap_speeds) {
      check.positive(key + ": cap_speed: requested", speed.requested);
      check.positive(key + ": cap_speed: achieved", speed.achieved);
      check.within(key + ": cap_speed: cv", speed.cv, 0, huge);
    }
    for (const DeviceTime& time : model.device_times) {
      check.positive(key + ": device_time: median_s", time.median_s);
      check.positive(key + ": device_time: share", time.share);
    }
    check.one_of(key + ": accuracy_source", model.accuracy_source, {"measured", "published", "assumed"});
    for (size_t s = 0; s < model.accuracy.size(); ++s) {
      const std::string at = fmt::format("{}: accuracy[{}]", key, s);
      check.within(at, model.accuracy[s], 0, 1);
      if (s > 0 && model.accuracy[s] < model.accuracy[s - 1])
        check.fail(at, "{} is below the {} of the previous stage; remove this stage", model.accuracy[s],
                   model.accuracy[s - 1]);
    }
  }
  const size_t cells = static_cast<size_t>(rows()) * caps_w.size();
  if (latency.size() != cells)
    check.fail("stages", "contain {} latencies; {} expected", latency.size(), cells);
  if (active_power_w.size() != models.size() * caps_w.size())
    check.fail("active_power_w", "has {} values; {} expected", active_power_w.size(),
               models.size() * caps_w.size());

  for (int m = 0; m < static_cast<int>(models.size()); ++m)
    for (int c = 0; c < caps(); ++c) {
      check.positive(fmt::format("models[{}]: active_power_w[{}]", m, c), active_power_of(m, c));
      for (int s = 1; s <= models[static_cast<size_t>(m)].stages(); ++s) {
        const LatencyStats& stats = latency_of({m, s, c});
        const std::string stage = fmt::format("models[{}]: stages[{}]: ", m, s - 1);
        for (const LatencyField& field : latency_fields) {
          const std::string at = fmt::format("{}{}[{}]", stage, field.key, c);
          if (field.value == &LatencyStats::cv)
            check.within(at, stats.cv, 0, huge);
          else
            check.within(at, stats.*field.value, shortest_time_s, longest_time_s);
        }
        if (s > 1 && stats.mean_s <= latency_of({m, s - 1, c}).mean_s)
          check.fail(fmt::format("{}mean_s[{}]", stage, c), "{} is not above the {} of the previous stage",
                     stats.mean_s, latency_of({m, s - 1, c}).mean_s);
      }
    }
}

ordered_json Profile::to_json() const {
  ordered_json out;
  out["schema_version"] = schema_version;
  out["workload"] = workload;
  if (!size_unit.empty()) {
    out["size_unit"] = size_unit;
    out["mean_size"] = mean_size;
  }
  out["host"] = host;
  out["device"] = device;
  out["threads"] = threads;
  out["repetitions"] = repetitions;
  out["pace"] = pace;
  out["noise_verdict"] = noise_verdict;
  out["latency_source"] = latency_source;
  out["energy_source"] = energy_source;
  out["power_backend"] = power_backend;
  out["power_model"] = {{"name", power_model.name},
                        {"static_w", power_model.static_w},
                        {"dynamic_w", power_model.dynamic_w},
                        {"idle_w", power_model.idle_w},
                        {"formula", "power(speed) = static_w + dynamic_w * speed^3"}};
  out["idle_power_w"] = idle_power_w;
  out["accuracy_unit"] = to_string(accuracy_unit);
  out["fail_accuracy"] = fail_accuracy;
  out["caps_w"] = caps_w;
  out["models"] = ordered_json::array();
  for (int m = 0; m < static_cast<int>(models.size()); ++m) {
    const ModelProfile& model = models[static_cast<size_t>(m)];
    ordered_json entry;
    entry["name"] = model.name;
    entry["random_weights"] = model.random_weights;
    entry["accuracy"] = model.accuracy;
    entry["accuracy_source"] = model.accuracy_source;
    entry["accuracy_on"] = model.accuracy_on;
    if (!size_unit.empty()) entry["size_growth"] = model.size_growth;
    const auto power = active_power_w.begin() + m * caps();
    entry["active_power_w"] = std::vector<double>(power, power + caps());
    if (!model.cap_speeds.empty()) entry["cap_speed"] = by_cap(model.cap_speeds, speed_fields);
    entry["device_time"] =
        model.device_times.empty() ? ordered_json() : by_cap(model.device_times, device_fields);
    entry["prepacked"] = or_null(model.prepacked);
    entry["stages"] = ordered_json::array();
    for (int s = 1; s <= model.stages(); ++s) {
      ordered_json stage;
      for (const LatencyField& field : latency_fields) {
        ordered_json& values = stage[field.key] = ordered_json::array();
        for (int c = 0; c < caps(); ++c) values.push_back(latency_of({m, s, c}).*field.value);
      }
      entry["stages"].push_back(std::move(stage));
    }
    out["models"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace alertbench
