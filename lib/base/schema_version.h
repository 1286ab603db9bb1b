// Versions of file formats, "MAJOR.MINOR". A new minor version only adds keys, so that a program which knows
// an older one can read the file: it ignores the keys it does not know. A new major version may change
// anything.
#pragma once

#include <optional>
#include <string_view>

namespace alertbench {

struct SchemaVersion {
  int major = 0, minor = 0;
};

constexpr bool operator==(SchemaVersion a, SchemaVersion b) {
  return a.major == b.major && a.minor == b.minor;
}
constexpr bool operator<(SchemaVersion a, SchemaVersion b) {
  return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

// nullopt for anything but two numbers of up to four digits with a point between them.
constexpr std::optional<SchemaVersion> parse_schema_version(std::string_view text) {
  int numbers[2] = {0, 0}, digits = 0, which = 0;
  for (const char c : text) {
    if (c == '.' && which == 0 && digits > 0) {
      which = 1;
      digits = 0;
    } else if (c >= '0' && c <= '9' && ++digits <= 4) {
      numbers[which] = 10 * numbers[which] + (c - '0');
    } else {
      return {};
    }
  }
  if (which == 0 || digits == 0) return {};
  return SchemaVersion{numbers[0], numbers[1]};
}

}  // namespace alertbench
