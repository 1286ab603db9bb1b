// The limits that this process runs under: raised where possible, and named when one of them was hit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace alertbench {

// Raises the limit on open files to the hard limit.
void raise_limits();

std::optional<size_t> file_limit();  // how many files may be open; nullopt: any number

// Text to append to the "(reason)" of a failed system call: which limit was hit and how to raise it, such as
// "; the limit on processes and threads of this user (ulimit -u) is 10: raise it, or end other processes".
// Empty if the error is not about a limit. `root` is the folder that contains /proc and /sys.
std::string limit_behind(int error, const std::string& root = "");
// The limits on memory, for errors that only say that memory ran out.
std::string memory_limits(const std::string& root = "");

}  // namespace alertbench
