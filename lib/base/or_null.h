// Converts an optional value to JSON: null if it is absent.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace alertbench {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace alertbench
