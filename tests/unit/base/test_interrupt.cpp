#include <csignal>

#include "base/interrupt.h"
#include "catch.h"

using namespace alertbench;

namespace {

int handled = 0;
void handle(int) { ++handled; }
void take(int) {}

}  // namespace

TEST_CASE("signal handlers stay over a library that takes them", "[interrupt]") {
  const auto before = std::signal(SIGUSR2, handle);
  {
    const KeepSignalHandlers keep;
    std::signal(SIGUSR2, take);
    std::raise(SIGUSR2);
    CHECK(handled == 0);
  }
  std::raise(SIGUSR2);
  CHECK(handled == 1);
  std::signal(SIGUSR2, before);
}
