// A cascade over made-up members: order of execution, inputs, averages, and what happens at a deadline.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "catch.h"
#include "live/executor.h"
#include "live/network_bench.h"
#include "models/cascade.h"
#include "support.h"

using namespace alertbench;

namespace {

struct CascadeClock : Clock {
  double now_s() override { return time_s; }
  void sleep_until(double t) override { time_s = std::max(time_s, t); }
  double processor_s() override { return time_s; }
  double time_s = 100;
};

// What a member is, and what happened to it.
struct MemberOfTest {
  std::vector<int> blocks = {1};   // [stage]
  std::vector<float> scores = {};  // of its last stage; those of earlier ones are all 0
  std::vector<NetworkInput> inputs = {};
  std::vector<std::string>* ran = nullptr;
  std::string name = "";
  std::optional<double> device_s = {};
  std::optional<bool> prepacked = {};
  bool waits = true;
  CascadeClock* clock = nullptr;
};

class CascadeMember : public StagedModel {
 public:
  explicit CascadeMember(MemberOfTest& it) : it_(it) {}
  int stages() const override { return static_cast<int>(it_.blocks.size()); }
  int blocks(int stage) const override { return it_.blocks[static_cast<size_t>(stage)]; }
  void set_input(const NetworkInput& input) override { it_.inputs.push_back(input); }
  void run_block(int stage, int block) override {
    if (it_.ran) it_.ran->push_back(it_.name + std::to_string(stage) + "." + std::to_string(block));
    if (it_.clock) it_.clock->time_s += 1e-3;
  }
  bool blocks_done_at_return() const override { return it_.waits; }
  std::vector<float> scores(int stage) const override {
    return stage + 1 == stages() ? it_.scores : std::vector<float>(it_.scores.size());
  }
  std::optional<double> device_time_s(int stage) const override {
    return stage + 1 == stages() ? it_.device_s : std::nullopt;
  }
  std::optional<bool> prepacked() const override { return it_.prepacked; }

 private:
  MemberOfTest& it_;
};

Cascade cascade_of(std::vector<MemberOfTest>& members, CascadeAnswer answer = CascadeAnswer::average) {
  std::vector<std::unique_ptr<StagedModel>> all;
  for (MemberOfTest& m : members) all.push_back(std::make_unique<CascadeMember>(m));
  return Cascade(std::move(all), answer);
}

void run_to(Cascade& cascade, int stages) {
  for (int s = 0; s < stages; ++s)
    for (int b = 0; b < cascade.blocks(s); ++b) cascade.run_block(s, b);
}

std::vector<float> logs_of(const std::vector<double>& values, double shift = 0) {
  std::vector<float> logs;
  for (const double v : values) logs.push_back(static_cast<float>(std::log(v) + shift));
  return logs;
}

void check_close(const std::vector<float>& found, const std::vector<float>& wanted, double margin = 1e-6) {
  REQUIRE(found.size() == wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    INFO(i << ": " << found[i] << " and " << wanted[i]);
    CHECK(std::abs(double{found[i]} - wanted[i]) <= margin);
  }
}

TokenWindows two_windows(size_t first, size_t second) {
  return {{{std::vector<int64_t>(first), std::vector<int64_t>(first)},
           {std::vector<int64_t>(second), std::vector<int64_t>(second)}}};
}

}  // namespace

TEST_CASE("a cascade runs its members one after the other, each to its last stage", "[cascade]") {
  std::vector<std::string> ran;
  std::vector<MemberOfTest> members(3);
  members[0] = {{2}, {1, 2}};
  members[1] = {{1, 3, 2}, {3, 4}};
  members[2] = {{1}, {5, 6}};
  for (size_t m = 0; m < 3; ++m) members[m].ran = &ran, members[m].name = std::string(1, "abc"[m]);
  Cascade cascade = cascade_of(members, CascadeAnswer::last);
  CHECK(cascade.stages() == 3);
  CHECK(cascade.blocks(0) == 2);
  CHECK(cascade.blocks(1) == 6);
  CHECK(cascade.blocks(2) == 1);
  run_to(cascade, 3);
  CHECK(ran ==
        std::vector<std::string>{"a0.0", "a0.1", "b0.0", "b1.0", "b1.1", "b1.2", "b2.0", "b2.1", "c0.0"});
  CHECK(cascade.scores(0) == std::vector<float>{1, 2});
  CHECK(cascade.scores(1) == std::vector<float>{3, 4});
  CHECK(cascade.scores(2) == std::vector<float>{5, 6});
}

TEST_CASE("a cascade of one member is that member", "[cascade]") {
  for (const CascadeAnswer answer : {CascadeAnswer::last, CascadeAnswer::average}) {
    std::vector<MemberOfTest> members(1);
    members[0] = {{2, 3}, {0.1f, 7, -3, NAN}};
    members[0].device_s = 0.25;
    members[0].prepacked = false;
    members[0].waits = false;
    Cascade cascade = cascade_of(members, answer);
    CHECK(cascade.stages() == 1);
    CHECK(cascade.blocks(0) == 5);
    run_to(cascade, 1);
    const std::vector<float> scores = cascade.scores(0);
    REQUIRE(scores.size() == 4);
    for (size_t i = 0; i < 3; ++i) CHECK(scores[i] == members[0].scores[i]);
    CHECK(std::isnan(scores[3]));
    CHECK(cascade.device_time_s(0) == 0.25);
    CHECK(cascade.prepacked() == false);
    CHECK_FALSE(cascade.blocks_done_at_return());
  }
}

TEST_CASE("a cascade's average is the mean of its members' probabilities so far", "[cascade]") {
  std::vector<MemberOfTest> members(3);
  members[0].scores = logs_of({0.7, 0.2, 0.1}, 5);  // a constant added to all scores means nothing
  members[1].scores = logs_of({0.1, 0.8, 0.1}, -40);
  members[2].scores = logs_of({0.1, 0.2, 0.7});
  Cascade cascade = cascade_of(members);
  run_to(cascade, 3);
  CHECK(cascade.scores(0) == members[0].scores);
  check_close(cascade.scores(1), logs_of({0.4, 0.5, 0.1}));
  check_close(cascade.scores(2), logs_of({0.3, 0.4, 0.3}));
}

TEST_CASE("averaging equal members of a cascade changes no answer", "[cascade]") {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<MemberOfTest> members(3);
    for (int i = 0; i < 50; ++i) members[0].scores.push_back(static_cast<float>(random.uniform(-30, 30)));
    members[1].scores = members[2].scores = members[0].scores;
    Cascade cascade = cascade_of(members);
    run_to(cascade, 3);
    for (const int stage : {1, 2}) {
      const std::vector<float> mean = cascade.scores(stage);
      std::vector<float> differences, wanted;
      for (size_t i = 1; i < mean.size(); ++i) {
        differences.push_back(mean[i] - mean[0]);
        wanted.push_back(members[0].scores[i] - members[0].scores[0]);
      }
      check_close(differences, wanted, 1e-4);
    }
  }
  // Words: ln of probabilities stay what they are.
  std::vector<MemberOfTest> words(2);
  words[0].scores = words[1].scores = logs_of({0.5, 0.25, 0.125, 0.125});
  Cascade cascade = cascade_of(words);
  run_to(cascade, 2);
  check_close(cascade.scores(1), words[0].scores);
}

TEST_CASE("a cascade's average neither overflows nor underflows", "[cascade]") {
  std::vector<MemberOfTest> members(2);
  members[0].scores = {3e38f, -3e38f, 0};
  members[1].scores = {-1e4f, 1e4f, 0};
  Cascade cascade = cascade_of(members);
  run_to(cascade, 2);
  const std::vector<float> mean = cascade.scores(1);
  check_close({mean[0], mean[1]}, logs_of({0.5, 0.5}));
  CHECK(std::isfinite(mean[2]));
  CHECK(mean[2] < -9e3);
}

TEST_CASE("a cascade takes probabilities of an image as they are", "[cascade]") {
  std::vector<MemberOfTest> members(2);
  members[0].scores = {0.9f, 0.1f, 0.0f};
  members[1].scores = logs_of({0.1, 0.6, 0.3}, 2);
  Cascade cascade = cascade_of(members);
  run_to(cascade, 2);
  check_close(cascade.scores(1), logs_of({0.5, 0.35, 0.15}));
}

TEST_CASE("a question's starts and ends are averaged over all windows", "[cascade]") {
  // Two windows of two and one tokens: start, start, end, end; start, end.
  std::vector<MemberOfTest> members(2);
  members[0].scores = logs_of({0.5, 0.25, 0.1, 0.6, 0.25, 0.3}, 3);
  members[1].scores = logs_of({0.1, 0.1, 0.2, 0.2, 0.8, 0.6}, -7);
  Cascade cascade = cascade_of(members);
  cascade.set_input(two_windows(2, 1));
  run_to(cascade, 2);
  check_close(cascade.scores(1), logs_of({0.3, 0.175, 0.15, 0.4, 0.525, 0.45}));
  cascade.set_input(two_windows(1, 1));
  check_says(message_of<RunError>([&] { cascade.scores(1); }), {"6 scores for 4 starts and ends"});
}

TEST_CASE("a member's NaN or infinity is not averaged away", "[cascade]") {
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (const size_t broken : {size_t{0}, size_t{1}}) {
      std::vector<MemberOfTest> members(3);
      for (MemberOfTest& m : members) m.scores = {1, 2, 3};
      members[broken].scores[1] = bad;
      Cascade cascade = cascade_of(members);
      run_to(cascade, 3);
      for (const int stage : {1, 2})
        for (const float s : cascade.scores(stage)) CHECK(std::isnan(s));
    }
}

TEST_CASE("members of a cascade with different numbers of scores are not averaged", "[cascade]") {
  std::vector<MemberOfTest> members(2);
  members[0].scores = {1, 2, 3};
  members[1].scores = {1, 2};
  Cascade cascade = cascade_of(members);
  run_to(cascade, 2);
  check_says(message_of<RunError>([&] { cascade.scores(1); }),
             {"network 2 of a cascade gives 2 scores", "gives 3"});
}

TEST_CASE("each member of a cascade gets its own image, or all get the same input", "[cascade]") {
  std::vector<MemberOfTest> members(2);
  Cascade cascade = cascade_of(members);
  const Image small{1, 1, 2, {1, 2}}, large{1, 1, 3, {3, 4, 5}};
  cascade.set_input(ImagePerMember{{&small, &large}});
  CHECK(std::get<Image>(members[0].inputs.at(0)).chw == small.chw);
  CHECK(std::get<Image>(members[1].inputs.at(0)).chw == large.chw);
  cascade.set_input(large);
  for (const MemberOfTest& m : members) CHECK(std::get<Image>(m.inputs.at(1)).chw == large.chw);
  cascade.set_input(WordInText{nullptr, 3, 8});
  for (const MemberOfTest& m : members) CHECK(std::get<WordInText>(m.inputs.at(2)).position == 8);
  cascade.set_input(two_windows(4, 5));
  for (const MemberOfTest& m : members) CHECK(std::get<TokenWindows>(m.inputs.at(3)).windows.size() == 2);
  check_says(message_of([&] { cascade.set_input(ImagePerMember{{&small}}); }),
             {"1 images for a cascade of 2 networks"});
}

TEST_CASE("a cascade stopped at its deadline delivers the members that have finished",
          "[cascade][executor]") {
  CascadeClock clock;
  std::vector<MemberOfTest> members(2);
  members[0] = {{3}, {1, 2}};
  members[1] = {{4, 5}, {3, 4}};  // 9 ms
  for (MemberOfTest& m : members) m.clock = &clock;
  Cascade cascade = cascade_of(members);
  const auto run_for = [&](double time_s) {
    ExecutionOrder order;
    order.target_stage = 2;
    order.stop_at_s = clock.time_s + time_s;
    return execute(cascade, order, clock);
  };
  const Execution whole = run_for(1);
  CHECK(whole.stages_finished == 2);
  CHECK(whole.stage_end_s[0] == Approx(3e-3));
  CHECK(whole.stage_end_s[1] == Approx(12e-3));
  CHECK(run_for(2.5e-3).stages_finished == 1);  // the first member's last block ends at 3 ms
  CHECK(run_for(1.5e-3).stages_finished == 0);
  const Execution between = run_for(9.5e-3);  // inside the second stage of the second member
  CHECK(between.stages_finished == 1);
  CHECK(between.stopped);
  CHECK(between.busy_s == Approx(10e-3));  // one block later, not one member later
  CHECK(cascade.scores(0) == members[0].scores);
  members[1].waits = false;
  CHECK(run_for(9.5e-3).stages_finished == 2);  // nobody can look at the clock between its blocks
}

TEST_CASE("device times of a cascade add up over the members that ran", "[cascade]") {
  std::vector<MemberOfTest> members(2);
  members[0] = {{2}, {1}};
  members[1] = {{1, 2}, {1}};
  members[0].device_s = 0.5;
  members[1].device_s = 2;
  Cascade cascade = cascade_of(members);
  CHECK_FALSE(cascade.device_time_s(0));
  run_to(cascade, 2);
  CHECK(cascade.device_time_s(0) == 0.5);
  CHECK(cascade.device_time_s(1) == 2.5);
  run_to(cascade, 1);  // the second member's time is of an earlier run now
  CHECK(cascade.device_time_s(0) == 0.5);
  CHECK_FALSE(cascade.device_time_s(1));
  cascade.run_block(1, 0);
  cascade.run_block(1, 1);
  CHECK_FALSE(cascade.device_time_s(1));
  cascade.run_block(1, 2);
  CHECK(cascade.device_time_s(1) == 2.5);
  members[0].device_s = {};
  CHECK_FALSE(cascade.device_time_s(1));
}

TEST_CASE("the weights of a cascade are rearranged if those of all members are", "[cascade]") {
  using Known = std::optional<bool>;
  const auto of = [](Known a, Known b) {
    std::vector<MemberOfTest> members(2);
    members[0].prepacked = a;
    members[1].prepacked = b;
    return cascade_of(members).prepacked();
  };
  CHECK(of({}, {}) == Known());
  CHECK(of(true, {}) == Known(true));
  CHECK(of({}, false) == Known(false));
  CHECK(of(true, false) == Known(false));
  CHECK(of(true, true) == Known(true));
}

namespace {

// Images that hold their own height and number, and how often each was made.
class NumberedImages : public ImageWorkload {
 public:
  std::string name() const override { return "numbered"; }
  std::string data_source() const override { return "made up"; }
  int64_t size() const override { return 5; }
  int classes() const override { return 2; }
  bool labelled() const override { return true; }
  std::string input_id(int64_t n) const override { return std::to_string(n); }
  int label(int64_t) const override { return 0; }
  Image input(int64_t n, const ImageSpec& spec) const override {
    ++made;
    return {1, 1, 2, {static_cast<float>(spec.height), static_cast<float>(n)}};
  }
  mutable int made = 0;
};

// Loads every network as a member that only remembers.
class RememberingRuntime : public InferenceRuntime {
 public:
  std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int) override {
    if (!spec.is_cascade()) return std::make_unique<CascadeMember>(loaded[spec.name]);
    std::vector<std::unique_ptr<StagedModel>> members;
    for (const auto& member : spec.members)
      members.push_back(std::make_unique<CascadeMember>(loaded[spec.name + "/" + member->name]));
    return std::make_unique<Cascade>(std::move(members), spec.cascade.answer);
  }
  nlohmann::ordered_json facts() const override { return {}; }
  std::map<std::string, MemberOfTest> loaded;
};

}  // namespace

TEST_CASE("the bench prepares an image for each member of a cascade", "[cascade][live]") {
  const auto network = [](const std::string& name, int side) {
    NetworkSpec n;
    n.name = name;
    n.architecture = "torchscript";
    n.input.height = n.input.width = side;
    return n;
  };
  NetworkSpec mixed, alike;
  mixed.name = "mixed";
  alike.name = "alike";
  mixed.architecture = alike.architecture = "cascade";
  for (const NetworkSpec& n : {network("small", 8), network("large", 16), network("large-too", 16)}) {
    mixed.members.push_back(std::make_shared<const NetworkSpec>(n));
    if (n.name != "small") alike.members.push_back(mixed.members.back());
  }
  RememberingRuntime runtime;
  const NumberedImages images;
  NetworkBench bench(runtime, {alike, network("small", 8), mixed}, images, {3, 1});
  bench.feed(0);
  CHECK(images.made == 2);  // as many as there are sizes
  bench.feed(1);
  for (const auto& [name, height] : std::map<std::string, float>{{"alike/large", 16},
                                                                 {"alike/large-too", 16},
                                                                 {"small", 8},
                                                                 {"mixed/small", 8},
                                                                 {"mixed/large", 16},
                                                                 {"mixed/large-too", 16}}) {
    INFO(name);
    const std::vector<NetworkInput>& inputs = runtime.loaded[name].inputs;
    REQUIRE(inputs.size() == 2);
    CHECK(std::get<Image>(inputs[0]).chw == std::vector<float>{height, 3});
    CHECK(std::get<Image>(inputs[1]).chw == std::vector<float>{height, 1});
  }
}
