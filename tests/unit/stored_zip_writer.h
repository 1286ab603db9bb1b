// Writes zip archives as PyTorch does: nothing compressed, the directory at the end.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Least significant byte first.
inline std::string little_endian(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

using ZipMembers = std::vector<std::pair<std::string, std::string>>;  // name, content

// `method`: what the archive claims about its compression (0: none).
inline std::string stored_zip(const ZipMembers& members, uint32_t method = 0) {
  const auto number = little_endian;
  std::string body, directory;
  for (const auto& [name, data] : members) {
    const uint64_t checksum =
        crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()));
    const std::string common = number(method, 2) + number(0, 4) + number(checksum, 4) +
                               number(data.size(), 4) + number(data.size(), 4) + number(name.size(), 2);
    directory += std::string("PK\1\2", 4) + number(0, 2) + number(0, 2) + number(0, 2) + common +
                 number(0, 2) + number(0, 2) + number(0, 8) + number(body.size(), 4) + name;
    body += std::string("PK\3\4", 4) + number(0, 2) + number(0, 2) + common + number(0, 2) + name + data;
  }
  return body + directory + std::string("PK\5\6", 4) + number(0, 4) + number(members.size(), 2) +
         number(members.size(), 2) + number(directory.size(), 4) + number(body.size(), 4) + number(0, 2);
}
