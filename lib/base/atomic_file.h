// Files that are whole or not there.
#pragma once

#include <string>
#include <string_view>

namespace alertbench {

// Replaces `path` in one step (temporary file beside it, fsync, rename): a reader sees the old content or the
// new one, also after a kill or a full disk. RunError names the path and the system's reason; the old content
// stays then. Refuses a path that is something other than a regular file: renaming over a device or a
// symbolic link would replace it.
void write_file_atomically(const std::string& path, std::string_view content);

// The path that a file named by the user is written to: the target where it is a symbolic link (which stays
// one), also of one that is not there yet. InputError where that is no file, or in no folder: known before
// the work that the file is for.
std::string output_path(const std::string& named);

}  // namespace alertbench
