// Numbers as cells of tables. What is not known is an empty cell.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/statistics.h"

namespace alertbench {

inline std::string rounded(const std::optional<double>& value, int digits, double factor = 1) {
  return value ? fmt::format("{:.{}f}", *value * factor, digits) : "";
}

// "1.034 [1.01, 1.06]"
inline std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval,
                                 int digits, double factor = 1) {
  if (!value || !interval) return rounded(value, digits, factor);
  const int fewer = digits > 1 ? digits - 1 : digits;
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", *value * factor, digits, interval->low * factor, fewer,
                     interval->high * factor, fewer);
}

// The shortest text that reads back as the same value.
template <class T>
std::string exact(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace alertbench
