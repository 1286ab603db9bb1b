// What is known of every configuration without contention: the input of every scheduler. Plain values and
// their JSON.
#pragma once

#include <algorithm>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/types.h"

namespace alertbench {

class JsonReader;

struct LatencyStats {  // seconds, to the end of a stage, from the start of the execution
  double mean_s = 0, median_s = 0, p95_s = 0, p99_s = 0, cv = 0;
};

// What an emulated cap makes of a network, by pairs of executions without and under it: speed is the ratio of
// their times.
struct CapSpeed {
  double requested = 1, achieved = 1;  // the median over pairs
  double cv = 0;                       // of the pairs
};

// What the device itself took for a network, by its own clock (models/staged_model.h), all stages.
struct DeviceTime {
  double median_s = 0;  // at the mean size
  double share =
      0;  // of the latency on the host's clock in the same run, the median; the rest is launching and waiting
};

// What "accuracy" is, in profiles, goals (Goals::accuracy) and outcomes alike; 1 is best, `error` is 1 -
// accuracy, and over many inputs it is a mean:
//   "top1"              images (fashion-mnist, imagenet): share whose first answer is right. A miss delivers
//   1 / classes. "f1"                questions (squad): F1 of SQuAD v1.1, the words shared with the right
//   answer. A miss delivers 0. "language_quality"  words (ptb): 1 - NLL / NLL_guess. NLL is the mean negative
//   log-likelihood of a word (ln of the perplexity),
//                       NLL_guess that of guessing the same words by their share of the training text. A miss
//                       is such a guess: 0.
// Profiles and results say which by the key "accuracy_unit". Older ones lack it: theirs is f1 for squad, else
// top1, of ptb the share of next words told right. They are read, and recordings beside them replayed, as
// they are; goals then speak in that unit. `workload` is that of the file that is read.
AccuracyUnit read_accuracy_unit(JsonReader& reader, const std::string& workload);

// 1 - ln(perplexity) / ln(guess_perplexity), stage by stage.
std::vector<double> language_quality(const std::vector<double>& perplexity, double guess_perplexity);

struct ModelProfile {
  std::string name;
  bool random_weights = false;
  std::vector<double> accuracy;              // per stage, in the profile's unit, 0..1, not falling
  std::string accuracy_source, accuracy_on;  // "measured" | "published" | "assumed", and on what
  double size_growth =
      0;  // share of the latency at the mean size that grows in proportion to the input's size
  std::vector<CapSpeed> cap_speeds = {};  // one per cap; empty if no cap is emulated, or none was measured
  std::vector<DeviceTime> device_times =
      {};  // one per cap; empty on the processor, and where the device's clock cannot be read
  int stages() const { return static_cast<int>(accuracy.size()); }
  bool anytime() const { return stages() > 1; }
};

// P(s) = static_w + dynamic_w * s^3 at speed s (0..1]; s = 1 under a cap at or above P(1). See lib/power/.
struct PowerModel {
  std::string name = "assumed";
  double static_w = 25, dynamic_w = 75, idle_w = 20;
  double speed(double cap_w) const;     // the fastest speed whose power is at most cap_w
  double active_w(double cap_w) const;  // min(cap_w, P(1))

  // Strict: InputError. A key that is absent has its value in `fallback`; without one it must be there.
  static PowerModel read(JsonReader reader, const std::optional<PowerModel>& fallback = {});
};

// Measured accuracy of the stages of a network, made fit for a profile: a stage that came out below the one
// before it counts as equal to it, a first one below 0 (language quality worse than a guess) as 0, and `on`
// then says what was measured.
void raise_falling_stages(std::vector<double>& accuracy, std::string& on);

// A *row* is one stage of one model; rows of a model are consecutive, models in order.
class Profile {
 public:
  std::string workload;
  std::string device = "cpu";  // "cpu" | "cuda": where the networks ran
  std::string size_unit;       // of inputs that differ in size ("tokens"); empty where all are alike
  double mean_size = 1;        // in that unit: what the latencies here are for
  AccuracyUnit accuracy_unit = AccuracyUnit::top1;
  std::vector<ModelProfile> models;
  std::vector<double> caps_w;          // rising; the last one is the system default (uncapped)
  double fail_accuracy = 0;            // what a missed deadline delivers, in the unit of accuracy
  std::vector<LatencyStats> latency;   // [row][cap]
  std::vector<double> active_power_w;  // [model][cap]
  double idle_power_w = 0;
  std::string energy_source = "model";  // one of energy_sources()
  std::string latency_source = "measured";
  PowerModel power_model;  // meaningful for energy_source "model"
  std::string power_backend = "emulated";
  int repetitions = 0;        // executions behind each latency
  std::string pace = "none";  // "live": each behind the idle time of a live run (live/live_pace.h); "none":
                              // one after the other
  std::string host;           // one line: the processor, or GPU and processor, that this was measured on
  int threads = 1;
  std::string noise_verdict;  // "quiet" | "noisy: ..."

  int caps() const { return static_cast<int>(caps_w.size()); }
  int rows() const;
  int first_row(int model) const;
  int row(const Configuration& c) const { return first_row(c.model) + c.stage - 1; }
  const LatencyStats& latency_of(const Configuration& c) const {
    return latency[static_cast<size_t>(row(c) * caps() + c.cap)];
  }
  double active_power_of(int model, int cap) const {
    return active_power_w[static_cast<size_t>(model * caps() + cap)];
  }
  int model_index(const std::string& name) const;  // -1 where unknown
  // What the size of an input multiplies a model's latencies by; `size` over the mean size.
  double size_factor(int model, double size) const;

  // Mean latency of the largest anytime network (else the slowest network), uncapped: the unit of deadlines.
  double reference_latency_s() const;
  // J: active power * busy_s, and idle power * what is left of the period, less what was charged of it
  // before.
  double period_energy_j(int model, int cap, double busy_s, double period_s,
                         double idle_charged_s = 0) const {
    return active_power_of(model, cap) * busy_s +
           idle_power_w * (std::max(0.0, period_s - busy_s) - idle_charged_s);
  }

  // Both throw InputError with file and key. check() is called by read().
  static Profile read(const std::string& path);
  void check(const std::string& where) const;
  nlohmann::ordered_json to_json() const;
};

}  // namespace alertbench
