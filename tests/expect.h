// Checks for tests that include LibTorch: plain programs, since Catch2's CHECK and c10's do not go together.
// main() returns failures != 0.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>

#include "base/error.h"

inline int failures = 0;

inline void expect(bool ok, const std::string& what) {
  fmt::print("{} {}\n", ok ? "ok  " : "FAIL", what);
  failures += !ok;
}

// The message of the InputError that the action throws; empty where it throws nothing or something else,
// which is a failure.
inline std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const alertbench::InputError& e) {
    return e.what();
  } catch (const std::exception& e) {
    expect(false, fmt::format("another exception: {}", e.what()));
    return "";
  }
  expect(false, "nothing was thrown");
  return "";
}

inline void expect_refusal(const std::string& what, const std::string& part,
                           const std::function<void()>& action) {
  const std::string message = refusal(action);
  const bool fits = !message.empty() && message.find(part) != std::string::npos;
  expect(fits, fmt::format("{}: {}", what, fits ? part : message));
}
