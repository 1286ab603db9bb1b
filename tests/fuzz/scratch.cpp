#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace fuzz {
namespace {

constexpr std::string_view mark = "=== ";
constexpr size_t most_files = 64, longest_path = 200;

struct Folder {
  Folder() {
    const char* place = std::getenv("TMPDIR");
    path = std::string(place                                 ? place
                       : std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                             : "/tmp") +
           "/alert-fuzz-XXXXXX";
    if (!::mkdtemp(path.data())) throw std::runtime_error(path + ": cannot make a folder");
  }
  ~Folder() {
    std::error_code ignored;
    if (::getpid() == owner) std::filesystem::remove_all(path, ignored);
  }
  std::string path;
  pid_t owner = ::getpid();
};

void write_all(int file, std::string_view bytes, const std::string& path) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t wrote = ::pwrite(file, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (wrote <= 0) throw std::runtime_error(path + ": cannot write");
    at += static_cast<size_t>(wrote);
  }
}

bool plain(std::string_view path) {
  if (path.empty() || path.size() > longest_path) return false;
  for (const char c : path)
    if (static_cast<unsigned char>(c) < ' ') return false;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

}  // namespace

const std::string& scratch_folder() {
  static const Folder folder;
  return folder.path;
}

std::string scratch_file(const std::string& name, std::string_view bytes) {
  static std::map<std::string, int>
      open_files;  // opening one again for every input takes longer than many a reader
  const std::string path = scratch_folder() + "/" + name;
  auto [found, is_new] = open_files.emplace(name, -1);
  if (is_new) found->second = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (found->second < 0 || ::ftruncate(found->second, 0) != 0)
    throw std::runtime_error(path + ": cannot write");
  write_all(found->second, bytes, path);
  return path;
}

std::vector<std::pair<std::string, std::string_view>> split_bundle(std::string_view bytes) {
  std::vector<std::pair<std::string, std::string_view>> files;
  size_t at = bytes.substr(0, mark.size()) == mark ? 0 : bytes.find("\n=== ");
  while (at != std::string_view::npos && files.size() < most_files) {
    if (bytes[at] == '\n') ++at;
    const size_t line = std::min(bytes.find('\n', at), bytes.size()),
                 begin = std::min(line + 1, bytes.size());
    const std::string_view path = bytes.substr(at + mark.size(), line - at - mark.size());
    const size_t next = begin == 0 ? std::string_view::npos : bytes.find("\n=== ", begin - 1);
    const size_t end = std::max(begin, std::min(next, bytes.size()));
    if (plain(path)) files.emplace_back(path, bytes.substr(begin, end - begin));
    at = next;
  }
  return files;
}

ScratchTree::ScratchTree(std::string_view bundle) : root_(scratch_folder() + "/tree") {
  ::mkdir(root_.c_str(), 0700);
  for (const auto& [name, content] : split_bundle(bundle)) {
    for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      if (std::string folder = root_ + "/" + name.substr(0, slash); ::mkdir(folder.c_str(), 0700) == 0)
        made_.push_back(std::move(folder));
    std::string path = root_ + "/" + name;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) continue;  // it is duplicated, or is a folder as well
    write_all(file, content, path);
    ::close(file);
    made_.push_back(std::move(path));
  }
}

ScratchTree::~ScratchTree() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path)
    if (::unlink(path->c_str()) != 0) ::rmdir(path->c_str());
}

}  // namespace fuzz
