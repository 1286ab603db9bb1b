#include <vector>

#include "catch.h"
#include "live/executor.h"

using namespace alertbench;

namespace {

class ExecutorClock : public Clock {
 public:
  double now_s() override { return time_s; }
  void sleep_until(double t) override {
    if (t > time_s) slept_s += t - time_s, ++sleeps, time_s = t;
  }
  double processor_s() override { return time_s; }
  double time_s = 100, slept_s = 0;
  int sleeps = 0;
};

// Every block takes the same time on the fake clock.
class ExecutorModel : public StagedModel {
 public:
  ExecutorModel(ExecutorClock& clock, int stages, int blocks, double block_s)
      : clock_(clock), stages_(stages), blocks_(blocks), block_s_(block_s) {}
  int stages() const override { return stages_; }
  int blocks(int) const override { return blocks_; }
  void set_input(const NetworkInput&) override {}
  void run_block(int stage, int block) override {
    clock_.time_s += block_s_;
    ran.emplace_back(stage, block);
  }
  bool blocks_done_at_return() const override { return waits; }
  std::vector<float> scores(int) const override { return {}; }
  std::vector<std::pair<int, int>> ran;
  bool waits = true;

 private:
  ExecutorClock& clock_;
  int stages_, blocks_;
  double block_s_;
};

Execution run_for(double time_s, ExecutorModel& model, int target_stage, ExecutorClock& clock,
                  double speed = 1) {
  ExecutionOrder order;
  order.target_stage = target_stage;
  order.stop_at_s = clock.time_s + time_s;
  order.speed = speed;
  return execute(model, order, clock);
}

}  // namespace

TEST_CASE("Uncapped, every stage ends when its blocks are done", "[executor]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 3, 4, 1e-3);
  const Execution e = execute(model, {3}, clock);
  REQUIRE(e.stages_finished == 3);
  REQUIRE_FALSE(e.stopped);
  for (int s = 0; s < 3; ++s) REQUIRE(e.stage_end_s[static_cast<size_t>(s)] == Approx(4e-3 * (s + 1)));
  REQUIRE(e.busy_s == Approx(12e-3));
  REQUIRE(clock.sleeps == 0);
}

TEST_CASE("The target stage ends the run", "[executor]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 3, 4, 1e-3);
  const Execution e = execute(model, {2}, clock);
  REQUIRE(e.stages_finished == 2);
  REQUIRE(model.ran.size() == 8);
}

TEST_CASE("A cap stretches every stage by 1 / speed, idling within the run", "[executor][cap]") {
  for (const double speed : {0.9, 0.69, 0.51, 0.2}) {
    ExecutorClock clock;
    ExecutorModel model(clock, 2, 5, 3e-3);
    ExecutionOrder order;
    order.target_stage = 2;
    order.speed = speed;
    const Execution e = execute(model, order, clock);
    REQUIRE(e.stage_end_s[0] == Approx(15e-3 / speed));
    REQUIRE(e.stage_end_s[1] == Approx(30e-3 / speed));
    REQUIRE(clock.slept_s == Approx(30e-3 / speed - 30e-3));
    if (speed < 0.6) REQUIRE(clock.sleeps > 2);  // not only at the ends of the stages
  }
}

TEST_CASE("An anytime network stops between blocks once the deadline has passed, and says by how much",
          "[executor][stop]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 3, 4, 1e-3);
  const Execution e = run_for(6.5e-3, model, 3, clock);
  REQUIRE(e.stopped);
  REQUIRE(e.stages_finished == 1);
  REQUIRE(e.overshoot_s == Approx(0.5e-3));
  REQUIRE(e.busy_s == Approx(7e-3));
}

TEST_CASE("Stopped before the first stage, nothing is finished", "[executor][stop]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 3, 4, 1e-3);
  const Execution e = run_for(2e-3, model, 3, clock);
  REQUIRE(e.stopped);
  REQUIRE(e.stages_finished == 0);
}

TEST_CASE("Under a cap the stop looks at the stretched clock", "[executor][stop][cap]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 1, 10, 1e-3);
  const Execution e = run_for(9e-3, model, 1, clock, 0.5);  // 4.5 ms of computing: into the fifth block
  REQUIRE(e.stopped);
  REQUIRE(model.ran.size() == 5);
  REQUIRE(e.busy_s == Approx(10e-3));
}

TEST_CASE("A target reached right at the deadline is no stop", "[executor][stop]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 2, 2, 1e-3);
  const Execution e = run_for(3.9e-3, model, 2, clock);
  REQUIRE_FALSE(e.stopped);
  REQUIRE(e.stages_finished == 2);
}

TEST_CASE("Where blocks are only ordered, a cap stretches the stage as a whole", "[executor][cap]") {
  ExecutorClock clock;
  ExecutorModel model(clock, 1, 5, 4e-3);
  model.waits = false;
  const Execution e = run_for(1, model, 1, clock, 0.5);
  REQUIRE(e.stage_end_s[0] == Approx(40e-3));
  REQUIRE(clock.sleeps == 1);  // at the end: before it, nothing says how much was computed
}
