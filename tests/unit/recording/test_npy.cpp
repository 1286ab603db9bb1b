#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "catch.h"
#include "recording/npy.h"
#include "support.h"

using namespace alertbench;
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

namespace {

// A file with this header and so many bytes of data.
std::string npy(const std::string& header, size_t data) {
  std::string content("\x93NUMPY\x01\x00", 8);
  content += static_cast<char>(header.size() & 0xff);
  content += static_cast<char>(header.size() >> 8);
  return content + header + std::string(data, '\0');
}

template <class T>
void round_trip(const std::vector<int64_t>& shape, const std::vector<T>& values) {
  Folder folder;
  write_npy(folder / "a.npy", shape, values);
  const auto array = read_npy<T>(folder / "a.npy");
  CHECK(array.shape == shape);
  CHECK(array.values == values);
}

}  // namespace

TEST_CASE("arrays of every type and number of dimensions read back", "[npy]") {
  round_trip<double>({2, 3}, {0.1, -1e300, 3, 4, std::numeric_limits<double>::infinity(), 6});
  round_trip<float>({3}, {0.5f, -1, 2});
  round_trip<uint8_t>({1, 2, 2}, {0, 1, 255, 3});
  round_trip<int64_t>({2}, {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()});
  round_trip<double>({}, {42});
  round_trip<double>({0, 5}, {});
  CHECK_THROWS_AS(write_npy<double>("/tmp/never.npy", {2, 2}, {1.0}), RunError);
}

TEST_CASE("the header is numpy's own, data at a multiple of 64", "[npy]") {
  Folder folder;
  write_npy<double>(folder / "a.npy", {3}, {1, 2, 3});
  const std::string content = content_of(folder / "a.npy");
  REQUIRE(content.size() == 128 + 24);
  CHECK(content.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK_THAT(content.substr(10, 118),
             ContainsSubstring("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), } "));
  CHECK(content[127] == '\n');
}

TEST_CASE("hostile and damaged files are refused before memory is taken", "[npy]") {
  Folder folder;
  const std::string path = folder / "a.npy";
  const auto refused = [&](const std::string& content, const std::string& message) {
    put(path, content);
    CHECK_THROWS_AS(read_npy<double>(path), InputError);
    CHECK_THROWS_WITH(read_npy<double>(path), ContainsSubstring(path) && ContainsSubstring(message));
  };
  const auto with_shape = [](const std::string& shape) {
    return "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }\n";
  };
  put(path, npy(with_shape("(2,)"), 16));
  CHECK(read_npy<double>(path).values == std::vector<double>{0, 0});

  refused("", "does not start");
  refused("PK\x03\x04 not numpy at all", "does not start");
  refused(npy(with_shape("(2,)"), 16).replace(6, 1, "\x02"), "does not start");
  refused(npy(with_shape("(2,)"), 0).substr(0, 30), "truncated");
  refused(npy(std::string(60000, ' '), 8), "a header of 60000 bytes");
  refused(npy("{'descr': '<f8'}\n", 8), "malformed");
  refused(npy("__import__('os').system('true')\n", 8), "malformed");
  refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8),
          "holds '<f4', expected '<f8'");
  refused(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", 8), "holds '|O'");
  refused(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }\n", 8), "Fortran");
  refused(npy(with_shape("(1000000000000,)"), 8), "does not match");
  refused(npy(with_shape("(4294967296, 4294967296)"), 0), "does not match");
  refused(npy(with_shape("(2305843009213693953,)"), 8), "does not match");  // times 8 bytes this wraps to 8
  refused(npy(with_shape("(99999999999999999999,)"), 8), "shape");
  refused(npy(with_shape("(-1,)"), 8), "malformed");
  refused(npy(with_shape("(1)"), 8), "not a tuple");
  refused(npy(with_shape("(1,,1)"), 8), "shape");
  refused(npy(with_shape("(1 1,)"), 8), "shape");
  refused(npy(with_shape("(1,1,1,1,1,1,1,1,1)"), 8), "shape");
  refused(npy(with_shape("(2,)"), 15), "does not match");
  refused(npy(with_shape("(2,)"), 17), "does not match");
  refused(npy(with_shape("(2,)"), 24), "does not match");
  CHECK_THROWS_AS(read_npy<double>(folder / "none.npy"), InputError);
  CHECK_THROWS_AS(read_npy<double>(folder.path), InputError);
}

TEST_CASE("numpy reads what is written here, and the other way round", "[npy]") {
  Folder folder;
  const auto python = [&](const std::string& code) {
    put(folder / "script.py",
        "import sys\nsys.path = [p for p in sys.path if 'alert-npy' not in p]\n" + code);
    for (const char* interpreter : {"python3", "/usr/bin/python3"}) {
      const std::string test = std::string(interpreter) + " -c 'import numpy' 2>/dev/null";
      if (std::system(test.c_str()) != 0) continue;
      return std::system((std::string(interpreter) + " " + folder / "script.py").c_str()) == 0 ? 1 : 0;
    }
    return -1;
  };
  write_npy<double>(folder / "a.npy", {2, 1, 2}, {0.1, 0.2, 0.3, 0.4});
  write_npy<uint8_t>(folder / "b.npy", {3}, {0, 1, 255});
  const int result = python("import numpy as np\nd = '" + folder.path + "/'\n" + R"(
a = np.load(d + 'a.npy')
assert a.dtype == np.float64 and a.shape == (2, 1, 2) and a.tolist() == [[[0.1, 0.2]], [[0.3, 0.4]]], a
b = np.load(d + 'b.npy')
assert b.dtype == np.uint8 and b.tolist() == [0, 1, 255], b
np.save(d + 'c.npy', np.arange(6, dtype=np.int64).reshape(2, 3))
np.save(d + 'd.npy', np.float32([0.5]))
)");
  if (result < 0) {
    WARN("SKIPPED: no python3 with numpy here");
    return;
  }
  REQUIRE(result == 1);
  CHECK(read_npy<int64_t>(folder / "c.npy").values == std::vector<int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(read_npy<int64_t>(folder / "c.npy").shape == std::vector<int64_t>{2, 3});
  CHECK(read_npy<float>(folder / "d.npy").values == std::vector<float>{0.5f});
}
