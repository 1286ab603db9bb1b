#include "catch.h"
#include "schedulers_fixture.h"
#include "support.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

namespace {

Configuration e4_first(const Profile& p, double deadline_s, double size = 1) {
  const Goals goals = min_energy(0.1, 0.5);
  return make_scheduler("e4-order", {p, goals}, {{"margin", 0}}, "t")
      ->decide({0, deadline_s, deadline_s, size});
}

}  // namespace

TEST_CASE("e4-order takes the most accurate in time under the highest cap, then the lowest cap for it") {
  const Profile p = mixed();  // large: 0.1 s at 100 W, 0.125, 0.167, 0.25; the last stage of any 0.13 s
  CHECK(e4_first(p, 0.101) == Configuration{1, 1, 3});
  CHECK(e4_first(p, 0.126) == Configuration{1, 1, 2});
  CHECK(e4_first(p, 1) == Configuration{1, 1, 0});
  CHECK(e4_first(p, 0.09) == Configuration{2, 2, 3});  // stage 2 of any: 0.65 in 0.08 s
  CHECK(e4_first(p, 0.064) == Configuration{0, 1, 2});
  CHECK(e4_first(p, 0.01) == Configuration{2, 1, 3});  // nothing fits: what finishes first
  CHECK(e4_first(p, -1) == Configuration{2, 1, 3});
  Profile sized = p;
  for (ModelProfile& m : sized.models) m.size_growth = 1;
  CHECK(e4_first(sized, 0.252, 2) == Configuration{1, 1, 2});
}

TEST_CASE("e4-order follows the slow-down, and keeps its margin") {
  const Profile p = mixed();
  const Run r = run("e4-order", p, truth_of(p, std::vector<double>(30, 1.5)), min_energy(0.16, 0.5));
  CHECK(r.configurations.front() == Configuration{1, 1, 2});
  // 0.144 s are 0.096 by the profile: not enough for large.
  CHECK(r.configurations.back() == Configuration{2, 2, 3});
  const Run tight =
      run("e4-order", p, truth_of(p, std::vector<double>(30, 1.5)), min_error(0.16, 5), {{"margin", 0}});
  CHECK(tight.configurations.back() == Configuration{1, 1, 3});
  check_says(message_of([&] { effective_settings("e4-order", {{"margin", 1}}, "s"); }), {"margin", "1"});
}

TEST_CASE("zeus-static takes the lowest cap within its slow-down, and stays") {
  const Profile p = mixed();
  const auto cap_for = [&](double max_slowdown) {
    const Run r = run("zeus-static", p, truth_of(p, {1, 5, 5, 1}), min_energy(0.12, 0.5),
                      {{"max_slowdown", max_slowdown}});
    for (const Configuration& c : r.configurations) CHECK(c == r.configurations.front());
    CHECK(r.configurations.front().model == 1);
    return r.configurations.front().cap;
  };
  CHECK(cap_for(1) == 3);
  CHECK(cap_for(1.24) == 3);
  CHECK(cap_for(1.26) == 2);
  CHECK(cap_for(1.7) == 1);
  CHECK(cap_for(100) == 0);
  CHECK(effective_settings("zeus-static", json::object(), "s")["max_slowdown"] == 1.1);
  check_says(message_of([&] {
               effective_settings("zeus-static", {{"max_slowdown", 0.9}}, "s");
             }),
             {"max_slowdown", "0.9"});
}

TEST_CASE("schedulers that adapt the cap alone keep their network in sentences and with sizes") {
  Profile p = mixed();
  for (ModelProfile& m : p.models) m.size_growth = 0.7;
  Random random(5);
  for (const char* name : {"poet", "copper", "caloree", "e4-order", "zeus-static"})
    for (const Goals& goals : {min_energy(0.12, 0.5), min_error(0.12, 7)}) {
      auto scheduler = make_scheduler(name, {p, goals}, json::object(), "t");
      int wrong = 0;
      for (int64_t n = 0; n < 300; ++n) {
        Context context{n, random.uniform(-0.05, 0.3), 0.12, random.uniform(0.3, 2.5)};
        context.members_left = 5 - n % 5;
        context.group_deadline_from_start_s = 0.12 * static_cast<double>(context.members_left);
        const Configuration c = scheduler->decide(context);
        wrong += c.cap < 0 || c.cap > 3 || (std::string(name) != "e4-order" && c.model != 1);
        Observation o;
        o.configuration = c;
        o.stages_finished = n % 4 ? c.stage : c.stage - 1;
        o.busy_s = o.last_stage_end_s = p.latency_of(c).mean_s * p.size_factor(c.model, context.size);
        o.deadline_from_start_s = context.deadline_from_start_s;
        o.period_s = context.period_s;
        o.size = context.size;
        scheduler->observe(o);
      }
      INFO(name);
      CHECK(wrong == 0);
    }
}
