#include "models/mapped_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/text_file.h"

namespace alertbench {

MappedFile map_file(const std::string& path) {
  const auto file = open_to_read(path);
  struct stat facts = {};
  if (::fstat(::fileno(file.get()), &facts) != 0)
    throw InputError(fmt::format("{}: cannot open the weights ({})", path, std::strerror(errno)));
  const auto size = static_cast<size_t>(facts.st_size);
  if (size == 0) return {};
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, ::fileno(file.get()), 0);
  if (address == MAP_FAILED)
    throw InputError(fmt::format("{}: cannot read the weights ({})", path, std::strerror(errno)));
  return {{address, [size](const void* a) { ::munmap(const_cast<void*>(a), size); }},
          {static_cast<const char*>(address), size}};
}

}  // namespace alertbench
