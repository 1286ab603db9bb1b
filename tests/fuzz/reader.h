// Every reader of files, to be run on bytes that anybody may send. To add one: a line in the table of
// readers.cpp, and a small valid file in seeds/NAME/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

struct Reader {
  const char* name;  // also of the folder of its seeds
  void (*read)(std::string_view bytes);
};

const std::vector<Reader>& readers();
const Reader& reader_named(std::string_view name);  // std::invalid_argument lists the names

// Runs the reader. Returns why it refused the bytes (the message of its InputError), empty where it took
// them. Every other exception comes through, and std::runtime_error says so where it took more than a second
// of processor time.
std::string run(const Reader& reader, std::string_view bytes);

double slowest_s();  // processor time of the slowest run so far

}  // namespace fuzz
