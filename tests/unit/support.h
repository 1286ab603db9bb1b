// What many tests need: a folder that goes when the test ends, whole files at once, the message of a refusal.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"

struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "alert-test-XXXXXX").string()) {
    if (!mkdtemp(path.data())) throw std::runtime_error(path + ": cannot make a folder for tests");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path + "/" + name; }

  std::string path;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Makes the folders above it too. A file that is there is overwritten in place: ext4 flushes one that was
// emptied first to the disk (auto_da_alloc), which takes milliseconds, and fake clocks write thousands of
// times.
inline void put(const std::string& path, const std::string& content) {
  const auto opened = [&] { return open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666); };
  int file = opened();
  if (file < 0 && errno == ENOENT) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    file = opened();
  }
  const auto size = static_cast<ssize_t>(content.size());
  const bool written =
      file >= 0 && pwrite(file, content.data(), content.size(), 0) == size && ftruncate(file, size) == 0;
  if (file >= 0) close(file);
  if (!written) throw std::runtime_error(path + ": cannot write this file for a test");
}

// A file with this content, which goes when the test ends.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& content) : path(folder / "file") { put(path, content); }

  Folder folder;
  std::string path;
};

// A section of docs/file-formats.md, up to the next heading of the same level.
inline std::string format_section(const std::string& heading) {
  const std::string page = content_of(std::string(ALERT_SOURCE_DIR) + "/docs/file-formats.md");
  const size_t from = page.find("\n## " + heading + "\n");
  if (from == std::string::npos) throw std::runtime_error("docs/file-formats.md has no section " + heading);
  return page.substr(from, page.find("\n## ", from + 1) - from);
}

// The message of the `Thrown` that the action throws; "" where it throws nothing.
template <class Thrown = alertbench::InputError>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Thrown& e) {
    return e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline void check_says(const std::string& message, const std::vector<std::string>& parts) {
  INFO("message: " << message);
  for (const auto& part : parts) {
    INFO("expected: " << part);
    CHECK(message.find(part) != std::string::npos);
  }
}
