// decide() and observe() run between inputs of a real-time task: no allocation. Counted by replacing operator
// new for the whole test program.
#include <atomic>
#include <cstdlib>
#include <new>

#include "catch.h"
#include "schedulers_fixture.h"

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  return std::malloc(size ? size : 1);
}

void* counted_or_throw(std::size_t size) {
  if (void* p = counted(size)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted_or_throw(size); }
void* operator new[](std::size_t size) { return counted_or_throw(size); }
// std::stable_sort asks for these; left to a sanitizer's own they would not match the delete below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace alertbench;
using namespace alertbench::fixture;

TEST_CASE("no scheduler allocates while it decides or observes") {
  Profile p = mixed();
  for (ModelProfile& model : p.models) model.size_growth = 0.7;
  const TruthTable t = truth_of(p, std::vector<double>(50, 1.2));
  for (const SchedulerInfo& info : known_schedulers())
    for (const Goals& goals :
         {min_energy(0.1, 0.55), min_energy(0.1, 0.99), min_error(0.1, 7), min_error(0.01, 7)}) {
      auto scheduler = make_scheduler(info.name, {p, goals, &t}, nlohmann::json::object(), "t");
      const long before = allocations;
      for (int64_t n = 0; n < t.inputs; ++n) {
        const Context context{n, goals.deadline_s, goals.deadline_s, 0.5 + 0.1 * static_cast<double>(n % 11)};
        const Configuration c = scheduler->decide(context);
        scheduler->observe(observation_of(c, context, outcome_of(t, p, c, {n, 0.1, 0.1, context.size}), 0));
      }
      const long spent = allocations - before;
      INFO(info.name);
      CHECK(spent == 0);
    }
  for (const char* kind : {"gaussian", "student", "regimes", "quantiles"}) {
    const nlohmann::json settings = {{"estimator", kind}, {"conformal", nlohmann::json::object()}};
    auto scheduler = make_scheduler("alert", {p, min_error(0.1, 7)}, settings, "t");
    const long before = allocations;
    for (int64_t n = 0; n < t.inputs; ++n) {
      const Context context{n, 0.1, 0.1};
      const Configuration c = scheduler->decide(context);
      scheduler->observe(observation_of(c, context, outcome_of(t, p, c, context), 0));
    }
    const long spent = allocations - before;
    INFO(kind);
    CHECK(spent == 0);
  }
  const long before = allocations;
  std::vector<int> proof(10);
  CHECK((allocations > before && proof.size() == 10));
}
