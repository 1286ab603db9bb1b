// The plain values that everything else speaks in. Units stand in the names; stages are 1-based (0: none),
// everything else is an index from 0.
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

// How goals on accuracy and energy are read: of their mean over the run, or input by input
// (core/goal_judge.h).
enum class Judge { mean, strict };
const char* to_string(Judge judge);  // "mean" | "strict"

// By how much a mean may miss its goal and still count as meeting it: a mean that hovers at its goal is short
// by 1e-4 half of the time, far less than what some hundred inputs can tell.
struct GoalTolerance {
  double accuracy = 0.001;  // absolute
  double energy = 0.01;     // share of the budget
};

// min_energy needs `accuracy`, min_error needs `energy_j` (budget of one period).
struct Goals {
  std::string name;  // of the setting, unique within a scenario; part of file names
  Task task = Task::min_energy;
  double deadline_s =
      0;  // from the arrival of an input; a group of n inputs is due n times this after its own
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

// What is known of an input before any network has seen it.
struct InputFacts {
  // Inputs that share a deadline (the words of a sentence) form a group: how many of it are still to come,
  // this one among them. 1 where every input has its own.
  int64_t members_left = 1;
  double size = 1;  // in the workload's unit, e.g. tokens; 1 where all inputs are alike
};

// What a scheduler knows when it decides.
// All times count from the start of the execution, which is now: waiting is off already.
struct Context {
  int64_t input = 0;
  // What to plan with, and where an anytime network stops: the input's deadline, or its share of what is left
  // of its group's time. 0 or less: that time is over.
  double deadline_from_start_s = 0;
  double period_s = 0;  // to the end of the input's period: what it does not work of it, it idles
  double size = 1;      // over the profile's mean size
  // By when the group must be done: what is finished by then is delivered. Of an input alone it is its
  // deadline; less than deadline_from_start_s (as the default) counts as that.
  double group_deadline_from_start_s = 0;
  int64_t members_left = 1;   // of the group, this input among them
  double idle_charged_s = 0;  // idling within period_s that earlier members of the group were charged with

  double delivered_by_s() const {
    return group_deadline_from_start_s > deadline_from_start_s ? group_deadline_from_start_s
                                                               : deadline_from_start_s;
  }
};

// What an accuracy is: which figure profiles, goals and outcomes of a workload speak in. core/profile.h says
// what each means.
enum class AccuracyUnit { top1, f1, language_quality };
const char* to_string(AccuracyUnit unit);  // "top1" | "f1" | "language_quality"

// How right an answer was. What a workload does not know is absent.
struct Correctness {
  bool top1 = false;          // the first answer is right; of a question: it matches exactly
  std::optional<bool> top5;   // the right answer is among the first five
  std::optional<double> nll;  // of a language model: -ln of the probability given to the word that came
  std::optional<double> f1;   // of an answered question: words shared with the right answer, 0..1
  std::optional<double> guess_nll = {};  // beside nll: that of guessing the word by its frequency
};

// 1 - accuracy, measured over inputs in the unit of a profile: of images the share told wrong, of questions
// the mean of 1 - f1, of words sum of nll / sum of guess_nll.
class MeasuredError {
 public:
  explicit MeasuredError(AccuracyUnit unit) : unit_(unit) {}
  void add(const Correctness& correct);  // what lacks the figures of the unit is omitted
  std::optional<double> error()
      const;  // above 1 where words were told worse than by guessing; none of no inputs

 private:
  AccuracyUnit unit_;
  double lost_ = 0, of_ = 0;
};

// What happened to one input. Times count from its arrival.
struct Outcome {
  std::array<double, max_stages> stage_end_s{};  // of the first `stages_finished` stages
  int stages_finished = 0;
  int stage_delivered = 0;  // the last one finished by the (group's) deadline and not past the target
  double latency_s =
      0;              // of the delivered output; else of the first output, or of the stop if there was none
  double busy_s = 0;  // from start to end of the execution, idling for a cap included
  double wait_s = 0;  // from arrival to start (open arrivals only)
  double overshoot_s = 0;  // an anytime network stopped at the deadline: how long past it
  bool stopped = false;    // ... and whether it was
  double accuracy = 0;     // of the delivered stage by the profile; the profile's fail_accuracy for none
  std::optional<Correctness> correct;  // measured on this input; none without labels or with random weights
  std::optional<double> energy_j, active_power_w, idle_power_w;
  bool co_runner_on = false;
};

// What a scheduler learns after an execution.
struct Observation {
  Configuration configuration;
  int stages_finished = 0;      // at most the target
  double last_stage_end_s = 0;  // when stage `stages_finished` ended, from the start of the execution
  double busy_s = 0;
  double deadline_from_start_s = 0;  // that the decision was made for
  double period_s = 0;
  double size = 1;          // of the input, over the profile's mean size
  double decide_s = 0;      // processor time of the decision; 0 in replay
  int stage_delivered = 0;  // 0: none in time
  double accuracy = 0;      // delivered, by the profile
  std::optional<double> energy_j, idle_power_w;
};

// `decide_s`: processor time of the decision.
Observation observation_of(const Configuration& configuration, const Context& context, const Outcome& outcome,
                           double decide_s);

// A scheduler's slow-down factor, where it has one.
struct Slowdown {
  double observed = 0, mean = 0, sd = 0;
};

// What a scheduler expected of its last decision, where it predicts.
struct Prediction {
  double latency_s = 0, p_deadline = 0, accuracy = 0, energy_j = 0;
};

}  // namespace alertbench
