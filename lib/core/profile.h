// The profile: what is known about every configuration without contention. It is the input of every
// scheduler. This file defines the plain values and their JSON form.
#pragma once

#include <algorithm>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/types.h"

namespace alertbench {

class JsonReader;

struct LatencyStats {  // seconds, to the end of a stage, from the start of the execution
  double mean_s = 0, median_s = 0, p95_s = 0, p99_s = 0, cv = 0;
};

// The speed of a network under an emulated cap, measured by pairs of executions without and with the cap. The
// speed is the ratio of their times.
struct CapSpeed {
  double requested = 1, achieved = 1;  // the median over pairs
  double cv = 0;                       // coefficient of variation over the pairs
};

// The time that the device itself took for all stages of a network, by its own clock (models/staged_model.h).
struct DeviceTime {
  double median_s = 0;  // at the mean size
  // Of the latency on the host's clock in the same run, the median. The rest is launching and waiting.
  double share = 0;
};

// Reads the unit of accuracy, which is the same in profiles, goals (Goals::accuracy) and outcomes. 1 is best,
// `error` is 1 - accuracy, and over many inputs it is a mean:
//   "top1"              images (fashion-mnist, imagenet): the share whose first answer is right.
//                       A miss delivers 1 / classes.
//   "f1"                questions (squad): F1 of SQuAD v1.1, from the words shared with the right answer.
//                       A miss delivers 0.
//   "language_quality"  words (ptb): 1 - NLL / NLL_guess. NLL is the mean negative log-likelihood of a word
//                       (ln of the perplexity), NLL_guess is the same if the words are guessed by their share
//                       of the training text. A miss counts as such a guess and delivers 0.
// Profiles and results name the unit under the key "accuracy_unit". Older files lack the key: their unit is
// f1 for squad, otherwise top1 (for ptb, the share of next words predicted correctly). They are still read,
// and recordings with such a profile are replayed unchanged; goals then use that unit. `workload` is the
// workload of the file that is read.
AccuracyUnit read_accuracy_unit(JsonReader& reader, const std::string& workload);

// Returns 1 - ln(perplexity) / ln(guess_perplexity) for each stage.
std::vector<double> language_quality(const std::vector<double>& perplexity, double guess_perplexity);

struct ModelProfile {
  std::string name;
  bool random_weights = false;
  std::vector<double> accuracy;              // per stage, in the profile's unit, 0..1, never decreasing
  std::string accuracy_source, accuracy_on;  // "measured" | "published" | "assumed", and on what
  // Share of the latency at the mean size that grows in proportion to the input's size.
  double size_growth = 0;
  std::vector<CapSpeed> cap_speeds = {};  // one per cap; empty if no cap is emulated, or none was measured
  // One per cap; empty on the processor, and if the device's clock cannot be read.
  std::vector<DeviceTime> device_times = {};
  // Whether oneDNN had the weights of convolutions rearranged (models/staged_model.h); nullopt if there are
  // none, and if that is not known.
  std::optional<bool> prepacked = {};
  int stages() const { return static_cast<int>(accuracy.size()); }
  bool anytime() const { return stages() > 1; }
};

// P(s) = static_w + dynamic_w * s^3 at speed s (0..1]; s = 1 under a cap at or above P(1). See lib/power/.
struct PowerModel {
  std::string name = "assumed";
  double static_w = 25, dynamic_w = 75, idle_w = 20;
  double speed(double cap_w) const;     // the fastest speed whose power is at most cap_w
  double active_w(double cap_w) const;  // min(cap_w, P(1))

  // Reads strictly: InputError for unknown keys and bad values. An absent key takes its value from
  // `fallback`; without a fallback, every key must be present.
  static PowerModel read(JsonReader reader, const std::optional<PowerModel>& fallback = {});
};

// Prepares the measured accuracies of a network's stages for a profile. A stage that measured below the
// previous one is raised to it, and a first stage below 0 (language quality worse than a guess) is raised to
// 0; `on` then states what was measured.
void raise_falling_stages(std::vector<double>& accuracy, std::string& on);

// A *row* is one stage of one model; rows of a model are consecutive, models in order.
class Profile {
 public:
  std::string workload;
  std::string device = "cpu";  // "cpu" | "cuda": where the networks ran
  std::string size_unit;       // of inputs that differ in size ("tokens"); empty if all have the same size
  double mean_size = 1;        // in that unit; the latencies here are for inputs of this size
  AccuracyUnit accuracy_unit = AccuracyUnit::top1;
  std::vector<ModelProfile> models;
  std::vector<double> caps_w;          // increasing; the last one is the system default (uncapped)
  double fail_accuracy = 0;            // accuracy of a missed deadline, in the profile's unit
  std::vector<LatencyStats> latency;   // [row][cap]
  std::vector<double> active_power_w;  // [model][cap]
  double idle_power_w = 0;
  std::string energy_source = "model";  // one of energy_sources()
  std::string latency_source = "measured";
  PowerModel power_model;  // meaningful for energy_source "model"
  std::string power_backend = "emulated";
  int repetitions = 0;  // executions measured for each latency
  // "live": each execution follows the idle time of a live run (live/live_pace.h); "none": executions follow
  // one another directly.
  std::string pace = "none";
  std::string host;  // one line: the processor, or GPU and processor, on which this was measured
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
  int model_index(const std::string& name) const;  // -1 if unknown
  // Returns the factor by which an input's size multiplies a model's latencies. `size` is divided by the mean
  // size.
  double size_factor(int model, double size) const;

  // Returns the uncapped mean latency of the largest anytime network (if there is none, of the slowest
  // network). Deadlines are stated in multiples of it.
  double reference_latency_s() const;
  // Returns the energy of a period in joules: active power times busy_s, plus idle power times the rest of
  // the period, without the part of that rest that was already charged.
  double period_energy_j(int model, int cap, double busy_s, double period_s,
                         double idle_charged_s = 0) const {
    return active_power_of(model, cap) * busy_s +
           idle_power_w * (std::max(0.0, period_s - busy_s) - idle_charged_s);
  }

  // Both throw InputError that names file and key. read() calls check().
  static Profile read(const std::string& path);
  void check(const std::string& where) const;
  nlohmann::ordered_json to_json() const;
};

}  // namespace alertbench
