// Reads files as a whole or line by line, with limits, so that no file (an endless device, a pipe that nobody
// writes to) can exhaust the memory or block the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace alertbench {

// Opens a file for reading. Throws InputError, which names the file, if that fails or if it is not a regular
// file but a folder, a device or a pipe (other than one of the caller's own: /dev/stdin, or the shell's
// /dev/fd/N).
std::unique_ptr<std::FILE, int (*)(std::FILE*)> open_to_read(const std::string& path);

// All bytes of a text file, without a UTF-8 byte order mark. Throws InputError, which names the file, if it
// cannot be read, is larger than `max_bytes`, or is UTF-16.
std::string read_text_file(const std::string& path, size_t max_bytes);

// The lines of a text file, however large it is. Only '\n' ends a line; the last one needs none.
class LineReader {
 public:
  // Throws InputError as read_text_file() does, and if a line is longer than `max_line_bytes`.
  LineReader(std::string path, size_t max_line_bytes);
  bool next(std::string& line);               // false: there are no more lines
  int64_t number() const { return number_; }  // number of the last line read, from 1
  bool ended() const { return ended_; }       // the last line read ended in '\n'

 private:
  std::string path_;
  size_t max_line_bytes_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::string chunk_;  // read ahead; `at_` is where the next line begins
  size_t at_ = 0;
  int64_t number_ = 0;
  bool ended_ = true;
};

}  // namespace alertbench
