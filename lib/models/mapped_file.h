// A file as bytes in memory that are read when they are first used: one with holes, or larger than the
// memory, costs no more than what is looked at. It must not change while it is mapped.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace alertbench {

struct MappedFile {
  std::shared_ptr<const void> owner;  // `bytes` are valid as long as one copy of it lives
  std::string_view bytes;
};

// InputError, which names the file, if it cannot be read or is not a regular file (base/text_file.h).
MappedFile map_file(const std::string& path);

}  // namespace alertbench
