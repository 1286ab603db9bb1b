#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/limits.h"

namespace alertbench {
namespace fs = std::filesystem;

namespace {

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Makes the rename itself last; where a file system has no such thing, nothing is lost but that.
void sync_folder(const fs::path& folder) {
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  ::fsync(handle);
  ::close(handle);
}

}  // namespace

void write_file_atomically(const std::string& path, std::string_view content) {
  std::error_code ignored;
  const fs::file_status found = fs::symlink_status(path, ignored);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw RunError(fmt::format("{}: cannot write this file: it is {}", path,
                               fs::is_symlink(found) ? "a symbolic link; remove it" : "not a regular file"));

  // Made again: what a killed process of this number left, or somebody put there, is never written into.
  const std::string temporary = fmt::format("{}.tmp.{}", path, ::getpid());
  ::unlink(temporary.c_str());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  bool good = file >= 0 && write_all(file, content) && ::fsync(file) == 0;
  int reason = errno;
  if (file >= 0 && ::close(file) != 0 && good) {
    good = false;
    reason = errno;
  }
  if (good && ::rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    reason = errno;
  }
  if (!good) {
    if (file >= 0) ::unlink(temporary.c_str());
    throw RunError(
        fmt::format("{}: cannot write this file ({}){}", path, std::strerror(reason), limit_behind(reason)));
  }
  sync_folder(fs::path(path).parent_path());
}

std::string output_path(const std::string& named) {
  std::error_code error;
  fs::path path(named);
  for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)); ++links) {
    if (links == 40)
      throw InputError(
          fmt::format("{}: is a symbolic link that leads nowhere (a circle); name a file", named));
    const fs::path target = fs::read_symlink(path, error);
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  const fs::file_status found = fs::status(path, error);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw InputError(fmt::format("{}: is {}, not a file; name a file to write", named,
                                 fs::is_directory(found) ? "a folder" : "a device or another special file"));
  return path.string();
}

}  // namespace alertbench
