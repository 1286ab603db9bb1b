// SHA-256 by libcrypto: manifests and recordings identify their files by it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace alertbench {

struct FileFact {
  std::string path;    // as it was given
  std::string sha256;  // 64 hexadecimal digits
  uint64_t bytes = 0;
};

// Reads the file in pieces. Throws InputError if it cannot be read.
FileFact hash_file(const std::string& path);
std::string sha256_of(std::string_view content);

}  // namespace alertbench
