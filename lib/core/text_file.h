// Files read whole, with a limit.
#pragma once

#include <cstddef>
#include <string>

namespace alertbench {

// All bytes of a file. InputError names it where it cannot be read, or holds more than `max_bytes` (a device without an
// end too).
std::string read_text_file(const std::string& path, size_t max_bytes);

}  // namespace alertbench
