#include "trace/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"

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
  const fs::file_status found = fs::status(path, ignored);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw RunError(fmt::format("{}: cannot write this file: it is not a regular file", path));

  const std::string temporary = fmt::format("{}.tmp.{}", path, ::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
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
    throw RunError(fmt::format("{}: cannot write this file ({})", path, std::strerror(reason)));
  }
  sync_folder(fs::path(path).parent_path());
}

void make_result_folder(const std::string& path, bool overwrite) {
  const fs::path folder(path);
  std::error_code error;
  const bool is_result = fs::exists(folder / "manifest.json", error);
  if (is_result && !overwrite)
    throw InputError(
        fmt::format("{}: holds a result already (manifest.json); give another --out, or --overwrite", path));
  if (is_result)
    // The manifest last: a folder that is half cleared must still be known as a result.
    for (const char* name : {"traces", "figures", "summary.json", "manifest.json"})
      if (fs::remove_all(folder / name, error); error)
        throw EnvironmentError(fmt::format("{}: cannot clear {} ({})", path, name, error.message()));
  for (const char* name : {"traces", "recording", "figures"}) {
    fs::create_directories(folder / name, error);
    if (!error && ::access((folder / name).c_str(), W_OK | X_OK) != 0)
      error = std::error_code(errno, std::generic_category());
    if (error)
      throw EnvironmentError(
          fmt::format("{}: cannot write results here: {} ({}); give a folder you may write to by --out", path,
                      name, error.message()));
  }
}

}  // namespace alertbench
