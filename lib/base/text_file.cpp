#include "base/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr size_t chunk_bytes = 1 << 16;

// Appends up to a chunk; false: the end is reached.
bool read_on(std::FILE* file, std::string& bytes, const std::string& path) {
  const size_t had = bytes.size();
  bytes.resize(had + chunk_bytes);
  const size_t got = std::fread(&bytes[had], 1, chunk_bytes, file);
  bytes.resize(had + got);
  if (std::ferror(file))
    throw InputError(fmt::format("{}: cannot read this file ({})", path, std::strerror(errno)));
  return got == chunk_bytes;
}

// Takes the mark off the beginning of a file.
void drop_byte_order_mark(std::string& bytes, const std::string& path) {
  const std::string_view start(bytes);
  if (start.substr(0, 3) == "\xEF\xBB\xBF") bytes.erase(0, 3);
  if (start.substr(0, 2) == "\xFF\xFE" || start.substr(0, 2) == "\xFE\xFF")
    throw InputError(path + ": is UTF-16 text; save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)");
}

}  // namespace

std::unique_ptr<std::FILE, int (*)(std::FILE*)> open_to_read(const std::string& path) {
  const bool own_pipe =
      path == "/dev/stdin" || path.rfind("/dev/fd/", 0) == 0 || path.rfind("/proc/self/fd/", 0) == 0;
  // Without O_NONBLOCK opening a pipe waits for its writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (own_pipe ? 0 : O_NONBLOCK));
  if (fd < 0) throw InputError(fmt::format("{}: cannot open this file ({})", path, std::strerror(errno)));
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(::fdopen(fd, "rb"), std::fclose);
  if (!file) {
    ::close(fd);
    throw InputError(fmt::format("{}: cannot open this file ({})", path, std::strerror(errno)));
  }
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0)
    throw InputError(fmt::format("{}: cannot read this file ({})", path, std::strerror(errno)));
  if (!S_ISREG(facts.st_mode) && !own_pipe)
    throw InputError(fmt::format("{}: is {}, expected a regular file", path,
                                 S_ISDIR(facts.st_mode)    ? "a folder"
                                 : S_ISFIFO(facts.st_mode) ? "a pipe"
                                                           : "a device"));
  return file;
}

std::string read_text_file(const std::string& path, size_t max_bytes) {
  const auto file = open_to_read(path);
  std::string bytes;
  for (bool more = true; more;) {
    more = read_on(file.get(), bytes, path);
    if (bytes.size() > max_bytes)
      throw InputError(
          fmt::format("{}: is larger than the limit of {} bytes; is this the right file?", path, max_bytes));
  }
  drop_byte_order_mark(bytes, path);
  return bytes;
}

LineReader::LineReader(std::string path, size_t max_line_bytes)
    : path_(std::move(path)), max_line_bytes_(max_line_bytes), file_(open_to_read(path_)) {
  if (!read_on(file_.get(), chunk_, path_)) file_.reset();
  drop_byte_order_mark(chunk_, path_);
}

bool LineReader::next(std::string& line) {
  size_t end = chunk_.find('\n', at_);
  while (end == std::string::npos && file_) {
    chunk_.erase(0, at_);
    at_ = 0;
    if (chunk_.size() > max_line_bytes_)
      throw InputError(
          fmt::format("{}: line {} is longer than the limit of {} bytes; is this the right file?", path_,
                      number_ + 1, max_line_bytes_));
    const size_t searched = chunk_.size();
    if (!read_on(file_.get(), chunk_, path_)) file_.reset();
    end = chunk_.find('\n', searched);
  }
  ended_ = end != std::string::npos;
  if (!ended_ && at_ == chunk_.size()) return false;
  line.assign(chunk_, at_, ended_ ? end - at_ : std::string::npos);
  at_ = ended_ ? end + 1 : chunk_.size();
  ++number_;
  return true;
}

}  // namespace alertbench
