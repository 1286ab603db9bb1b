// Arrivals, deadlines and the time that energy is charged for, of inputs alone and in groups. Times that are
// compared for equality are sums of powers of two.
#include <algorithm>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "core/pacing.h"

using namespace alertbench;

namespace {

struct Executed {
  Arrival arrival;
  double busy_s = 0, start_s = 0, end_s = 0;

  double left_s() const {
    return arrival.deadline_from_arrival_s - arrival.wait_s;
  }  // of the deadline, at the start
  // At work and idle, less what earlier members of the group were charged with as idle.
  double charged_s() const {
    return busy_s + std::max(0.0, arrival.period_s - busy_s) - arrival.idle_charged_s;
  }
};

// A run whose inputs start as soon as they may, and take as long as they are told.
class Run {
 public:
  Run(Arrivals arrivals, double deadline_s) : pacing_(arrivals, deadline_s) {}

  Executed next(int64_t members_left, double busy_s) {
    Executed e{pacing_.arrive(members_left), busy_s};
    e.start_s = e.arrival.arrival_s + e.arrival.wait_s;
    e.end_s = e.start_s + busy_s;
    pacing_.executed(e.end_s, busy_s);
    return e;
  }

  // A whole group; its size is the number of busy times.
  std::vector<Executed> group(const std::vector<double>& busy_s) {
    std::vector<Executed> all;
    for (size_t k = 0; k < busy_s.size(); ++k)
      all.push_back(next(static_cast<int64_t>(busy_s.size() - k), busy_s[k]));
    return all;
  }

 private:
  Pacing pacing_;
};

void check(const Arrival& a, double arrival_s, double wait_s, double deadline_s, double period_s) {
  CHECK(a.arrival_s == arrival_s);
  CHECK(a.wait_s == wait_s);
  CHECK(a.deadline_from_arrival_s == deadline_s);
  CHECK(a.period_s == period_s);
}

double charged_s(const std::vector<Executed>& group) {
  double sum = 0;
  for (const Executed& e : group) sum += e.charged_s();
  return sum;
}

double busy_s(const std::vector<Executed>& group) {
  double sum = 0;
  for (const Executed& e : group) sum += e.busy_s;
  return sum;
}

}  // namespace

TEST_CASE("an input alone, closed arrivals: a period after the one before it, or when that one ends",
          "[pacing]") {
  Run run(Arrivals::closed, 1);
  check(run.next(1, 0.5).arrival, 0, 0, 1, 1);
  check(run.next(1, 1.5).arrival, 1, 0, 1, 1);  // ends at 2.5
  check(run.next(1, 0.25).arrival, 2.5, 0, 1, 1);
  check(run.next(1, 1).arrival, 3.5, 0, 1, 1);  // ends just when the next one comes
  check(run.next(1, 0).arrival, 4.5, 0, 1, 1);
}

TEST_CASE("an input alone, open arrivals: at a fixed rate, and an overrun makes the next one wait",
          "[pacing]") {
  Run run(Arrivals::open, 1);
  check(run.next(1, 0.5).arrival, 0, 0, 1, 1);
  check(run.next(1, 1.5).arrival, 1, 0, 1, 1);       // ends at 2.5
  check(run.next(1, 3).arrival, 2, 0.5, 1, 0.5);     // ends at 5.5; its period began late
  check(run.next(1, 0.25).arrival, 3, 2.5, 1, 0);    // its deadline is gone before it starts
  check(run.next(1, 0.125).arrival, 4, 1.75, 1, 0);  // ends at 5.875
  check(run.next(1, 0.25).arrival, 5, 0.875, 1, 0.125);
  check(run.next(1, 0.25).arrival, 6, 0.125, 1, 0.875);  // 5.875 + 0.25 is after 6
  check(run.next(1, 0.25).arrival, 7, 0, 1, 1);
}

TEST_CASE("a group comes at once, and its members share what is left of its time", "[pacing]") {
  SECTION("each takes its slot: the shares stay one deadline") {
    const auto g = Run(Arrivals::closed, 1).group({1, 1, 1, 1});
    for (size_t k = 0; k < 4; ++k) check(g[k].arrival, static_cast<double>(k), 0, 1, 1);
  }
  SECTION("fast ones leave more for those that follow") {
    const auto g = Run(Arrivals::closed, 1).group({0.25, 0.5, 0.25, 0.5});
    check(g[0].arrival, 0, 0, 1, 1);
    CHECK(g[0].arrival.group_deadline_from_arrival_s == 4);
    CHECK(g[1].arrival.arrival_s == 0.25);
    CHECK(g[1].arrival.deadline_from_arrival_s == (4 - 0.25) / 3);
    CHECK(g[1].arrival.group_deadline_from_arrival_s == 4 - 0.25);
    CHECK(g[1].arrival.members_left == 3);
    CHECK(g[1].arrival.period_s ==
          2 - 0.25);  // to the end of its slot; 0.75 of it the first one was charged for
    CHECK(g[1].arrival.idle_charged_s == 1 - 0.25);
    check(g[2].arrival, 0.75, 0, (4 - 0.75) / 2, 3 - 0.75);
    CHECK(g[2].arrival.idle_charged_s == 2 - 0.75);
    check(g[3].arrival, 1, 0, 3, 3);
  }
  SECTION("a slow one leaves less") {
    const auto g = Run(Arrivals::closed, 1).group({2, 0.5, 0.25});
    check(g[1].arrival, 2, 0, 0.5, 0);  // its slot ends where it begins
    check(g[2].arrival, 2.5, 0, 0.5, 0.5);
  }
  SECTION("one that takes all leaves nothing, never less") {
    const auto g = Run(Arrivals::closed, 1).group({4.5, 0.25, 0});
    check(g[1].arrival, 4.5, 0, 0, 0);
    check(g[2].arrival, 4.75, 0, 0, 0);
  }
}

TEST_CASE("the group that follows: closed, when the time of the one before it is over or it ends",
          "[pacing]") {
  Run run(Arrivals::closed, 1);
  run.group({0.25, 0.25, 0.25});
  check(run.next(2, 0.5).arrival, 3, 0, 1, 1);
  check(run.next(1, 3).arrival, 3.5, 0, 1.5, 1.5);  // ends at 6.5, due at 5
  check(run.next(1, 0.25).arrival, 6.5, 0, 1, 1);
  check(run.next(2, 0.25).arrival, 7.5, 0, 1, 1);
}

TEST_CASE("the group that follows: open, on time and waiting for the one before it", "[pacing]") {
  Run run(Arrivals::open, 1);
  run.group({0.5, 2.5});  // due at 2, ends at 3
  // Three members have 5 - 3 = 2 left from their start; of the first one's slot, which ends at 3, nothing.
  check(run.next(3, 0.5).arrival, 2, 1, 1 + 2.0 / 3, 0);
  check(run.next(2, 0.25).arrival, 3.5, 0, 0.75, 0.5);
  check(run.next(1, 0.125).arrival, 3.75, 0, 1.25, 1.25);
  check(run.next(1, 3).arrival, 5, 0, 1, 1);
  const auto late = run.group({0.25, 0.25});  // waits for 2 of its 2
  check(late[0].arrival, 6, 2, 2, 0);
  check(late[1].arrival, 8.25, 0, 0, 0);
  // Arrives at 8, starts at 8.5.
  check(run.next(1, 0.25).arrival, 8, 0.5, 1, 0.5);
}

TEST_CASE("a group that is cut off keeps its time, and another one begins", "[pacing]") {
  Run run(Arrivals::closed, 1);
  run.next(4, 0.25);
  run.next(3, 0.25);
  check(run.next(5, 0.5).arrival, 4, 0, 1, 1);  // not 2: not the one that was to come
  check(run.next(4, 0.5).arrival, 4.5, 0, (5 - 0.5) / 4, 1.5);
  check(run.next(4, 0.5).arrival, 9, 0, 1, 1);  // the same again is a new group, too
  check(run.next(1, 0.5).arrival, 13, 0, 1, 1);
}

TEST_CASE("a run that begins in the middle of a group has the time of the rest of it", "[pacing]") {
  Run run(Arrivals::closed, 1);
  const auto rest = run.group({0.5, 1});
  check(rest[0].arrival, 0, 0, 1, 1);
  check(rest[1].arrival, 0.5, 0, 1.5, 1.5);
  check(run.next(3, 0.5).arrival, 2, 0, 1, 1);
}

TEST_CASE(
    "shares: whatever the members before it took, a member's is never below 0, and they never pass the "
    "group's time",
    "[pacing]") {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    const Arrivals arrivals = round % 2 ? Arrivals::open : Arrivals::closed;
    const double deadline_s = random.uniform(0.01, 2);
    Run run(arrivals, deadline_s);
    double earliest_s = 0, before_end_s = 0;
    for (int g = 0; g < 5; ++g) {
      std::vector<double> busy(1 + random.below(8));
      for (double& b : busy) b = deadline_s * random.uniform(0, 2.2);
      const auto group = run.group(busy);
      const double arrived_s = group[0].arrival.arrival_s,
                   due_s = arrived_s + static_cast<double>(busy.size()) * deadline_s;
      CHECK(arrived_s ==
            Approx(arrivals == Arrivals::closed ? std::max(earliest_s, before_end_s) : earliest_s));
      CHECK(group[0].arrival.wait_s == Approx(std::max(0.0, before_end_s - arrived_s)));
      for (size_t k = 0; k < busy.size(); ++k) {
        const Executed& e = group[k];
        CHECK(e.arrival.deadline_from_arrival_s >= 0);
        if (e.start_s < due_s)
          CHECK(e.arrival.group_deadline_from_arrival_s >= e.arrival.deadline_from_arrival_s);
        CHECK(e.arrival.period_s >= 0);
        if (k > 0) CHECK(e.arrival.wait_s == 0);
        if (k > 0) CHECK(e.arrival.arrival_s == group[k - 1].end_s);
        if (busy.size() > 1 && e.start_s < due_s)
          CHECK(e.left_s() == Approx((due_s - e.start_s) / static_cast<double>(busy.size() - k)));
      }
      earliest_s = due_s;
      before_end_s = group.back().end_s;
    }
  }
}

TEST_CASE("members that keep to their shares get the group done in time", "[pacing]") {
  Random random(12);
  for (int round = 0; round < 200; ++round) {
    Pacing pacing(Arrivals::closed, 1);
    const auto n = static_cast<int64_t>(1 + random.below(10));
    double end_s = 0;
    for (int64_t left = n; left > 0; --left) {
      const Arrival a = pacing.arrive(left);
      CHECK(a.arrival_s == end_s);
      const double busy_s = a.deadline_from_arrival_s * (left % 3 ? random.uniform(0, 1) : 1);
      pacing.executed(end_s += busy_s, busy_s);
    }
    CHECK(end_s <= static_cast<double>(n) + 1e-9);
  }
}

TEST_CASE("what is charged: a group's time, or its work where that is more, idling once", "[pacing]") {
  Random random(13);
  for (int round = 0; round < 500; ++round) {
    const auto n = static_cast<size_t>(1 + random.below(10));
    const double deadline_s = random.uniform(0.1, 2), time_s = static_cast<double>(n) * deadline_s;

    std::vector<double> within(n);
    for (double& b : within) b = deadline_s * random.uniform(0, 1);
    CHECK(charged_s(Run(Arrivals::closed, deadline_s).group(within)) == Approx(time_s));

    // Busy without a break beyond every slot's end: nothing but the busy time.
    std::vector<double> beyond(n);
    for (double& b : beyond) b = deadline_s * random.uniform(1, 3);
    const auto overrun = Run(Arrivals::closed, deadline_s).group(beyond);
    CHECK(charged_s(overrun) == Approx(busy_s(overrun)));

    // In general: a member that is slow in time that a fast one left is not charged for it twice. Each one's
    // share is above 0.
    std::vector<double> any(n);
    for (double& b : any) b = deadline_s * random.uniform(0, 2);
    const auto group = Run(Arrivals::closed, deadline_s).group(any);
    CHECK(charged_s(group) == Approx(std::max(time_s, busy_s(group))));
    for (const Executed& e : group) CHECK(e.charged_s() >= -1e-12);
  }
}

TEST_CASE("what is charged of a group that waited begins with its execution", "[pacing]") {
  Run run(Arrivals::open, 1);
  run.next(1, 2.5);                                // waited for 1.5
  const auto group = run.group({0.5, 0.5, 0.25});  // starts at 2.5, due at 4
  CHECK(group[0].arrival.wait_s == 1.5);
  CHECK(charged_s(group) == 1.5);
}

TEST_CASE("arrivals: their periods, one by one and on average", "[pacing]") {
  for (const Arrivals& arrivals : {Arrivals(Arrivals::closed), Arrivals(Arrivals::open)}) {
    CHECK(arrivals.period_s(7, 0.25) == 0.25);
    CHECK(arrivals.mean_period_s(0.25) == 0.25);
    CHECK(arrivals != Arrivals::timed);
  }
  const Arrivals timed = Arrivals::at({10, 10.5, 12, 12.25, 16});
  CHECK(timed == Arrivals::timed);
  CHECK(timed.count() == 5);
  const double times[] = {0, 0.5, 2, 2.25, 6}, periods[] = {0.5, 1.5, 0.25, 3.75, 1.5};
  for (int64_t n = 0; n < 5; ++n) {
    CHECK(timed.time_s(n) == times[n]);
    CHECK(timed.period_s(n, 1) == periods[n]);  // no arrival is known after the last: the mean
  }
  CHECK(timed.mean_period_s(1) == 1.5);
  const Arrivals once = Arrivals::at({3});
  CHECK(once.time_s(0) == 0);
  CHECK(once.period_s(0, 0.25) == 0.25);
  CHECK(once.mean_period_s(0.25) == 0.25);
}

TEST_CASE("timed arrivals: waiting is off the deadline, and the period ends with the next arrival",
          "[pacing]") {
  Run run(Arrivals::at({10, 10.5, 12, 12.25, 16}), 1);
  const std::vector<Executed> all = {run.next(1, 0.25), run.next(1, 2), run.next(1, 0.25), run.next(1, 1),
                                     run.next(1, 0.5)};
  check(all[0].arrival, 0, 0, 1, 0.5);
  check(all[1].arrival, 0.5, 0, 1, 1.5);      // ends at 2.5
  check(all[2].arrival, 2, 0.5, 1, 0);        // when it starts, the next one is there
  check(all[3].arrival, 2.25, 0.5, 1, 3.25);  // ends at 3.75
  check(all[4].arrival, 6, 0, 1, 1.5);
  const double expected[] = {1.5, 1.5, 1, 1, 1.5};  // the mean period, less the wait
  for (size_t n = 0; n < 5; ++n) {
    const Arrival& a = all[n].arrival;
    const auto number = static_cast<int64_t>(n);
    CHECK(a.expected_period_s == expected[n]);
    CHECK(context_of(number, a, 1).period_s == expected[n]);
    CHECK(true_context_of(number, a, 1).period_s == a.period_s);
    CHECK(context_of(number, a, 1).deadline_from_start_s == 1 - a.wait_s);
    CHECK(a.idle_charged_s == 0);
  }
}

TEST_CASE("timed arrivals: what is charged adds up to the time of the run", "[pacing]") {
  Random random(14);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> times{0};
    for (int n = 0; n < 12; ++n) times.push_back(times.back() + random.uniform(0, 2) * (random.below(4) > 0));
    Run run(Arrivals::at(times), random.uniform(0.1, 2));
    double sum_s = 0, end_s = 0;
    for (size_t n = 0; n + 1 < times.size(); ++n) {
      const Executed e = run.next(1, random.uniform(0, 2));
      CHECK(e.arrival.arrival_s == Approx(times[n]).margin(1e-12));
      CHECK(e.start_s == Approx(std::max(times[n], end_s)).margin(1e-12));
      sum_s += e.charged_s();
      end_s = e.end_s;
    }
    CHECK(sum_s == Approx(std::max(times.back(), end_s)));
  }
}
