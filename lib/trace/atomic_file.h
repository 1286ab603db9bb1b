// Files that are whole or not there, and the folder that a result lives in.
#pragma once

#include <string>
#include <string_view>

namespace alertbench {

// Replaces `path` in one step (temporary file beside it, fsync, rename): a reader sees the old content or the
// new one, also after a kill or a full disk. RunError names the path and the system's reason; the old content
// stays then. Refuses a path that is something other than a regular file (renaming over a device would
// replace it).
void write_file_atomically(const std::string& path, std::string_view content);

// Creates `path` with traces/, recording/ and figures/. A folder that holds a manifest.json is a result
// already: InputError unless `overwrite`, which clears its manifest, summary, traces and figures, but leaves
// recording/ alone, since that may be what is being replayed. EnvironmentError where the folder cannot be
// made or written to.
void make_result_folder(const std::string& path, bool overwrite = false);

}  // namespace alertbench
