#include "core/text_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/error.h"

namespace alertbench {

std::string read_text_file(const std::string& path, size_t max_bytes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) throw InputError(fmt::format("{}: cannot open this file ({})", path, std::strerror(errno)));
  constexpr size_t chunk = 1 << 16;
  std::string bytes;
  for (size_t got = chunk; got == chunk;) {
    const size_t had = bytes.size();
    bytes.resize(had + chunk);
    got = std::fread(&bytes[had], 1, chunk, file.get());
    bytes.resize(had + got);
    if (std::ferror(file.get()))
      throw InputError(fmt::format("{}: cannot read this file ({})", path, std::strerror(errno)));
    if (bytes.size() > max_bytes)
      throw InputError(fmt::format("{}: is larger than the limit of {} bytes; is it the right file?", path, max_bytes));
  }
  return bytes;
}

}  // namespace alertbench
