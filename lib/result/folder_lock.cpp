#include "result/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "host/host.h"
#include "result/manifest.h"

namespace alertbench {
namespace {

constexpr const char* lock_name = ".lock";

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown host";
}

// As whoever has the lock wrote it.
std::string holder(int file) {
  char text[1024];
  const ssize_t got = ::pread(file, text, sizeof text, 0);
  return got > 0 ? std::string(text, static_cast<size_t>(got))
                 : "another alert-bench, which is starting or ending,";
}

bool same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

}  // namespace

FolderLock::FolderLock(const std::string& folder) : folder_(folder) {
  const auto refuse = [&](const std::string& why) {
    if (file_ >= 0) ::close(file_);
    if (handle_ >= 0) ::close(handle_);
    throw EnvironmentError(why);
  };
  std::error_code error;
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(folder, error)) &&
      !std::filesystem::exists(folder, error))
    refuse(folder +
           ": is a symbolic link that leads nowhere; create the folder that it points to, or choose another "
           "--out");
  error.clear();
  std::filesystem::create_directories(folder, error);
  if (!error && (handle_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    error = std::error_code(errno, std::generic_category());
  while (!error) {
    file_ = ::openat(handle_, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    struct stat opened {
    }, there{};
    if (file_ < 0 && errno != ELOOP) {
      error = std::error_code(errno, std::generic_category());
      break;
    }
    if (file_ < 0 || ::fstat(file_, &opened) != 0 || !S_ISREG(opened.st_mode) || opened.st_nlink > 1)
      refuse(fmt::format("{}/{}: is a link, or not a file; remove it, or choose another --out", folder,
                         lock_name));
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      refuse(fmt::format("{}: {} is using this folder; wait until it has finished, or choose another --out",
                         folder, holder(file_)));
    // Whoever had it before may have removed it in between.
    if (::fstatat(handle_, lock_name, &there, AT_SYMLINK_NOFOLLOW) == 0 && same(opened, there)) break;
    ::close(file_);
    file_ = -1;
  }
  if (error)
    refuse(fmt::format(
        "{}: cannot write results to this folder ({}); choose a folder you may write to with --out", folder,
        error.message()));
  const std::string text =
      fmt::format("process {} ({}) on {}, since {},", ::getpid(), own_command(), host_name(), utc_now());
  // Who has the lock is only told, so a disk that is full does not matter.
  if (::ftruncate(file_, 0) == 0) (void)!::pwrite(file_, text.data(), text.size(), 0);
}

FolderLock::~FolderLock() {
  if (file_ < 0) return;
  ::unlinkat(handle_, lock_name, 0);
  ::close(file_);
  ::close(handle_);
}

void FolderLock::check_place() const {
  struct stat held {
  }, there{};
  if (::fstat(handle_, &held) == 0 && ::stat(folder_.c_str(), &there) == 0 && same(held, there)) return;
  throw RunError(
      fmt::format("{}: is no longer the folder in which this run started (moved, or replaced by a link); "
                  "nothing more is written "
                  "there",
                  folder_));
}

}  // namespace alertbench
