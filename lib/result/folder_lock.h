// Keeps a folder that is being filled to one process, and to one place.
#pragma once

#include <string>
#include <utility>

namespace alertbench {

class FolderLock {
 public:
  // Makes the folder if need be, and takes FOLDER/.lock, which goes when this object does; one that a killed
  // process left is no lock. EnvironmentError where another process has it (named, with its command), where
  // the folder cannot be written to, or where .lock is something else than a file. On file systems without
  // locks nobody is kept out.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept
      : folder_(std::move(other.folder_)),
        handle_(std::exchange(other.handle_, -1)),
        file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

  const std::string& folder() const { return folder_; }
  // RunError if the path leads to another folder by now: somebody moved it, or put a link in its place.
  void check_place() const;

 private:
  std::string folder_;
  int handle_ = -1, file_ = -1;  // of the folder, of .lock
};

}  // namespace alertbench
