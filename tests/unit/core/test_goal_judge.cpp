// Goals as means and input by input: tolerance, groups, shortfall.
#include "catch.h"
#include "core/goal_judge.h"

using namespace alertbench;

namespace {

struct Input {
  int stage_delivered;
  double accuracy;
  std::optional<double> energy_j;
  bool opens_group = true;
};

GoalVerdict judged(const Goals& goals, const std::vector<Input>& inputs) {
  GoalJudge judge(goals);
  for (const Input& i : inputs) {
    Outcome o;
    o.stage_delivered = i.stage_delivered;
    o.accuracy = i.accuracy;
    o.energy_j = i.energy_j;
    Violations v = violations_of(goals, o);
    judge.add(o, i.opens_group, v);
  }
  return judge.verdict();
}

const Goals energy = {"e", Task::min_energy, 1, 0.8, {}};
const Goals error = {"a", Task::min_error, 1, {}, 10.0};

}  // namespace

TEST_CASE("a mean accuracy is judged with a tolerance, exactly, and input by input", "[judge]") {
  // Half of the inputs are below the goal, the mean is above it.
  GoalVerdict v = judged(energy, {{1, 0.7, 1}, {1, 0.91, 3}});
  CHECK(v.mean_accuracy == Approx(0.805));
  CHECK(*v.mean_energy_j == 2);
  CHECK_FALSE(v.violated_mean);
  CHECK_FALSE(v.violated_exact);
  CHECK(v.violated_strict);
  CHECK(v.satisfaction == 0.5);
  CHECK(*v.violations_accuracy == 0.5);
  CHECK_FALSE(v.violations_energy);
  CHECK(*v.shortfall.accuracy == 0);
  CHECK_FALSE(v.shortfall.energy);
  CHECK(v.violated(Judge::strict));
  CHECK_FALSE(v.violated(Judge::mean));

  v = judged(energy, {{1, 0.7, 1}, {1, 0.8988, 1}});  // short by 0.0006
  CHECK_FALSE(v.violated_mean);
  CHECK(v.violated_exact);
  CHECK(*v.shortfall.accuracy == Approx(0.0006));
  v = judged(energy, {{1, 0.7, 1}, {1, 0.897, 1}});  // by 0.0015
  CHECK(v.violated_mean);
  Goals loose = energy;
  loose.tolerance.accuracy = 0.002;
  CHECK_FALSE(judged(loose, {{1, 0.7, 1}, {1, 0.897, 1}}).violated_mean);
}

TEST_CASE("a mean energy is judged likewise, over the inputs whose energy is known", "[judge]") {
  GoalVerdict v = judged(error, {{1, 0.7, 2}, {1, 0.7, 18.1}});
  CHECK(*v.mean_energy_j == Approx(10.05));
  CHECK_FALSE(v.violated_mean);
  CHECK(v.violated_exact);
  CHECK(v.violated_strict);
  CHECK(*v.violations_energy == 0.5);
  CHECK(*v.shortfall.energy == Approx(0.005));
  CHECK(judged(error, {{1, 0.7, 2}, {1, 0.7, 18.3}}).violated_mean);
  v = judged(error, {{1, 0.7, {}}, {1, 0.7, 9}});
  CHECK(*v.mean_energy_j == 9);
  v = judged(error, {{1, 0.7, {}}});
  CHECK_FALSE(v.mean_energy_j);
  CHECK_FALSE(v.violated_mean);
  CHECK_FALSE(v.shortfall.energy);
}

TEST_CASE("at most ten per cent of the groups may be late, whatever the reading", "[judge]") {
  std::vector<Input> inputs(10, {1, 0.9, 1});
  inputs[3] = {0, 0.85, 1};
  CHECK_FALSE(judged(energy, inputs).violated_mean);
  CHECK_FALSE(judged(energy, inputs).violated_strict);
  CHECK(judged(energy, inputs).late_share == 0.1);
  inputs[4] = {0, 0.85, 1};
  CHECK(judged(energy, inputs).violated_mean);
  CHECK(judged(energy, inputs).violated_strict);
  CHECK(judged(energy, inputs).shortfall.late == Approx(0.1));
  CHECK(*judged(energy, inputs).shortfall.accuracy == 0);

  // Ten sentences of two words; of two of them one word each is missed: 10 % of the words, 20 % of the
  // sentences.
  std::vector<Input> words;
  for (int s = 0; s < 10; ++s) {
    words.push_back({1, 0.9, 1, true});
    words.push_back({s < 2 ? 0 : 1, s < 2 ? 0.85 : 0.9, 1, false});
  }
  const GoalVerdict v = judged(energy, words);
  CHECK(v.inputs == 20);
  CHECK(v.groups == 10);
  CHECK(v.late_share == 0.2);
  CHECK(v.violations_deadline == 0.1);
  CHECK(v.violated_mean);
  CHECK(v.violated_strict);
}

TEST_CASE("nothing judged is nothing violated, and flags of means come with the inputs", "[judge]") {
  const GoalVerdict none = judged(energy, {});
  CHECK(none.inputs == 0);
  CHECK_FALSE(none.violated_mean);
  CHECK_FALSE(none.violated_strict);

  GoalJudge judge(energy);
  Outcome o;
  o.stage_delivered = 1;
  std::vector<bool> missed;
  for (const double accuracy : {0.9, 0.6, 0.95}) {
    o.accuracy = accuracy;
    Violations v = violations_of(energy, o);
    CHECK_FALSE(v.mean_accuracy);
    judge.add(o, true, v);
    missed.push_back(*v.mean_accuracy);
    CHECK_FALSE(v.mean_energy);
  }
  CHECK(missed == std::vector<bool>{false, true, false});
}
