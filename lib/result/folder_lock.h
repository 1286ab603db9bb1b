// Ensures that only one process fills a folder, and detects if the folder is moved meanwhile.
#pragma once

#include <string>
#include <utility>

namespace alertbench {

class FolderLock {
 public:
  // Creates the folder if necessary, and locks FOLDER/.lock until this object is destroyed. A .lock file that
  // a killed process left behind does not count as locked. EnvironmentError if another process holds the lock
  // (the message names it and its command), if the folder cannot be written to, or if .lock is not a regular
  // file. File systems without locks give no protection.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept
      : folder_(std::move(other.folder_)),
        handle_(std::exchange(other.handle_, -1)),
        file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

  const std::string& folder() const { return folder_; }
  // RunError if the path now leads to another folder, because somebody moved the folder or replaced it by a
  // link.
  void check_place() const;

 private:
  std::string folder_;
  int handle_ = -1, file_ = -1;  // of the folder, of .lock
};

}  // namespace alertbench
