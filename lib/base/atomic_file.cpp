#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

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
  AtomicFile file(path);
  file.append(content);
  file.commit();
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.tmp.{}", path_, ::getpid())) {
  std::error_code ignored;
  const fs::file_status found = fs::symlink_status(path_, ignored);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw RunError(fmt::format("{}: cannot write this file: it is {}", path_,
                               fs::is_symlink(found) ? "a symbolic link; remove it" : "not a regular file"));
  // Made again: what a killed process of this number left, or somebody put there, is never written into.
  ::unlink(temporary_.c_str());
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file_ < 0) fail(errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::append(std::string_view content) {
  if (!write_all(file_, content)) fail(errno);
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail(errno);
  const int closed = ::close(file_), reason = errno;
  file_ = -1;
  if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int why = closed != 0 ? reason : errno;
    ::unlink(temporary_.c_str());
    fail(why);
  }
  sync_folder(fs::path(path_).parent_path());
}

void AtomicFile::fail(int reason) const {
  throw RunError(
      fmt::format("{}: cannot write this file ({}){}", path_, std::strerror(reason), limit_behind(reason)));
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
