// The plain values that all other code uses. Names contain the units. Stages are 1-based (0: none), and all
// other indices start at 0.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace alertbench {

constexpr int max_stages = 16;
constexpr double infinity = std::numeric_limits<double>::infinity();

enum class Task { min_energy, min_error };
const char* to_string(Task task);  // "min_energy" | "min_error"

// How goals on accuracy and energy are judged: by their mean over the run, or input by input
// (core/goal_judge.h).
enum class Judge { mean, strict };
const char* to_string(Judge judge);  // "mean" | "strict"

// How far a mean may miss its goal and still count as meeting it. A mean that hovers around its goal is short
// by 1e-4 half of the time, which is far less than a few hundred inputs can resolve.
struct GoalTolerance {
  double accuracy = 0.001;  // absolute
  double energy = 0.01;     // share of the budget
};

// min_energy needs `accuracy`, min_error needs `energy_j` (the budget of one period).
struct Goals {
  std::string name;  // of the setting, unique within a scenario; part of file names
  Task task = Task::min_energy;
  // From the arrival of an input; a group of n inputs is due n times this after its arrival.
  double deadline_s = 0;
  std::optional<double> accuracy;  // 0..1
  std::optional<double> energy_j;
  Judge judge = Judge::mean;
  GoalTolerance tolerance = {};
};

// What a scheduler picks: which network, up to which stage, under which power cap.
struct Configuration {
  int model = 0;  // index into Profile::models
  int stage = 1;  // target stage, 1..stages of the model
  int cap = 0;    // index into Profile::caps_w

  bool operator==(const Configuration& o) const {
    return model == o.model && stage == o.stage && cap == o.cap;
  }
};

// What is known about an input before any network runs on it.
struct InputFacts {
  // Inputs that share a deadline (the words of a sentence) form a group. This counts the members still to
  // come, including this one; it is 1 if every input has its own deadline.
  int64_t members_left = 1;
  double size = 1;  // in the workload's unit, e.g. tokens; 1 if all inputs have the same size
};

// What a scheduler knows when it decides. All times count from the start of the execution, which is now; time
// spent waiting is already subtracted.
struct Context {
  int64_t input = 0;
  // The time to plan with, and at which an anytime network stops: the input's deadline, or its share of its
  // group's remaining time. 0 or less means that the time has passed.
  double deadline_from_start_s = 0;
  // To the end of the input's period, as far as it is known; the machine idles for the rest of it after the
  // work.
  double period_s = 0;
  double size = 1;  // divided by the profile's mean size
  // When the group is due: what is finished by then is delivered. For a single input this is its own
  // deadline. A value below deadline_from_start_s (such as the default) counts as deadline_from_start_s.
  double group_deadline_from_start_s = 0;
  int64_t members_left = 1;   // of the group, including this input
  double idle_charged_s = 0;  // idle time within period_s that earlier members of the group were charged for

  double delivered_by_s() const {
    return group_deadline_from_start_s > deadline_from_start_s ? group_deadline_from_start_s
                                                               : deadline_from_start_s;
  }
};

// The unit of accuracy in the profiles, goals and outcomes of a workload. core/profile.h defines each unit.
enum class AccuracyUnit { top1, f1, language_quality };
const char* to_string(AccuracyUnit unit);  // "top1" | "f1" | "language_quality"

// How correct an answer was. Values that a workload does not know are absent.
struct Correctness {
  bool top1 = false;          // the first answer is right; for a question: it matches exactly
  std::optional<bool> top5;   // the right answer is among the first five
  std::optional<double> nll;  // for a language model: -ln of the probability assigned to the actual word
  std::optional<double> f1;   // for an answered question: words shared with the right answer, 0..1
  std::optional<double> guess_nll = {};  // present with nll: the nll of guessing the word by its frequency
};

// Computes 1 - accuracy, measured over inputs in the unit of a profile: for images the share of wrong
// answers, for questions the mean of 1 - f1, for words the sum of nll divided by the sum of guess_nll.
class MeasuredError {
 public:
  explicit MeasuredError(AccuracyUnit unit) : unit_(unit) {}
  void add(const Correctness& correct);  // inputs that lack the unit's values are omitted
  // Above 1 if words were predicted worse than by guessing; nullopt without inputs.
  std::optional<double> error() const;

 private:
  AccuracyUnit unit_;
  double lost_ = 0, of_ = 0;
};

// What happened to one input. Times count from its arrival.
struct Outcome {
  std::array<double, max_stages> stage_end_s{};  // of the first `stages_finished` stages
  int stages_finished = 0;
  int stage_delivered = 0;  // the last one finished by the (group's) deadline and not past the target
  // Of the delivered output; otherwise of the first output, or of the stop if there was none.
  double latency_s = 0;
  double busy_s = 0;       // from start to end of the execution, including idle time for a cap
  double wait_s = 0;       // from arrival to start (open and timed arrivals only)
  double overshoot_s = 0;  // how long after the deadline an anytime network stopped
  bool stopped = false;    // whether an anytime network was stopped at the deadline
  // Of the delivered stage, from the profile; the profile's fail_accuracy if none was delivered.
  double accuracy = 0;
  std::optional<Correctness> correct;  // measured on this input; absent without labels or with random weights
  std::optional<double> energy_j, active_power_w, idle_power_w;
  bool co_runner_on = false;
};

// What a scheduler learns after an execution.
struct Observation {
  Configuration configuration;
  int stages_finished = 0;      // at most the target
  double last_stage_end_s = 0;  // when stage `stages_finished` ended, from the start of the execution
  double busy_s = 0;
  double deadline_from_start_s = 0;  // for which the decision was made
  double period_s = 0;
  double size = 1;          // of the input, over the profile's mean size
  double decide_s = 0;      // how long the decision took (schedulers/step.h); 0 in replay
  int stage_delivered = 0;  // 0: none in time
  double accuracy = 0;      // delivered, by the profile
  std::optional<double> energy_j, idle_power_w;
};

// `decide_s`: how long the decision took.
Observation observation_of(const Configuration& configuration, const Context& context, const Outcome& outcome,
                           double decide_s);

// A scheduler's slow-down factor, if it estimates one.
struct Slowdown {
  double observed = 0, mean = 0, sd = 0;
};

// What a scheduler predicted for its last decision, if it predicts.
struct Prediction {
  double latency_s = 0, p_deadline = 0, accuracy = 0, energy_j = 0;
};

}  // namespace alertbench
