// The limits that this process runs under: raised where it may, and named where one of them was hit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace alertbench {

// Open files up to the hard limit.
void raise_limits();

std::optional<size_t> file_limit();  // how many files may be open; none: any number

// Behind "(reason)" of a system call that failed, what the limit is and how it is raised: "; the limit on
// processes and threads (ulimit -u) is 10: raise it, or end others of this user". Empty where the error is of
// no limit. `root` stands before /proc and /sys.
std::string limit_behind(int error, const std::string& root = "");
// Of memory, for what only says that there is none.
std::string memory_limits(const std::string& root = "");

}  // namespace alertbench
