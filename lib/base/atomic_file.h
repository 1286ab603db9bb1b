// Files that are either complete or absent.
#pragma once

#include <string>
#include <string_view>

namespace alertbench {

// Replaces `path` in one step (temporary file in the same folder, fsync, rename): a reader sees the old
// content or the new one, even after a kill or a full disk. RunError names the path and the system's reason;
// the old content is then kept. Refuses a path that is something other than a regular file: renaming over a
// device or a symbolic link would replace it.
void write_file_atomically(const std::string& path, std::string_view content);

// The same for content that comes in pieces. Without commit(), `path` stays as it was. Not copyable.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void append(std::string_view content);
  void commit();  // the last call

 private:
  [[noreturn]] void fail(int reason) const;

  const std::string path_, temporary_;
  int file_ = -1;
};

// The path to which a file named by the user is written: the target if it is a symbolic link (which is kept),
// even if the target does not exist yet. Throws InputError if the path is not a file or its folder does not
// exist, so that this is known before the work begins.
std::string output_path(const std::string& named);

}  // namespace alertbench
