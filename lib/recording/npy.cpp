#include "recording/npy.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text_file.h"

namespace alertbench {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

template <class T>
struct Type;
template <>
struct Type<double> {
  static constexpr const char *name = "float64", *descr = "<f8";
};
template <>
struct Type<float> {
  static constexpr const char *name = "float32", *descr = "<f4";
};
template <>
struct Type<uint8_t> {
  static constexpr const char *name = "uint8", *descr = "|u1";
};
template <>
struct Type<int64_t> {
  static constexpr const char *name = "int64", *descr = "<i8";
};

constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
constexpr size_t preamble = magic.size() + 2;  // and the length of the header, 16 bits
constexpr size_t longest_header = 1024;  // far beyond what a shape needs; bounds the regular expression too
constexpr size_t most_dimensions = 8;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw InputError(fmt::format("{}: not a usable .npy file: {}", path, what));
}

std::vector<int64_t> parse_shape(const std::string& path, const std::string& text) {
  std::vector<int64_t> shape;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto spaces = [&] {
    while (at != end && *at == ' ') ++at;
  };
  for (spaces(); at != end; spaces()) {
    int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || shape.size() == most_dimensions)
      refuse(path, fmt::format("shape ({})", text));
    shape.push_back(extent);
    at = next;
    spaces();
    if (at == end && shape.size() == 1) refuse(path, fmt::format("shape ({}) is not a tuple", text));
    if (at != end && *at++ != ',') refuse(path, fmt::format("shape ({})", text));
  }
  return shape;
}

// Values in an array of this shape; -1 beyond what a file could hold.
int64_t values_in(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(product, extent, &product)) return -1;
  return product;
}

}  // namespace

template <class T>
const char* npy_dtype() {
  return Type<T>::name;
}

template <class T>
void write_npy(const std::string& path, const std::vector<int64_t>& shape, const std::vector<T>& values) {
  if (values_in(shape) != static_cast<int64_t>(values.size()))
    throw RunError(
        fmt::format("{}: {} values do not fill shape ({})", path, values.size(), fmt::join(shape, ", ")));
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   Type<T>::descr, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  // The format wants the data at a multiple of 64, and a newline before it.
  header.append(63 - (preamble + header.size()) % 64, ' ').push_back('\n');
  std::string content(magic);
  content += static_cast<char>(header.size() & 0xff);
  content += static_cast<char>(header.size() >> 8);
  content += header;
  content.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  write_file_atomically(path, content);
}

template <class T>
NpyArray<T> read_npy(const std::string& path, const std::vector<int64_t>& expected) {
  open_to_read(path);  // a regular file
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (!file || error)
    throw InputError(
        fmt::format("{}: cannot open this file ({})", path, error ? error.message() : std::strerror(errno)));

  unsigned char start[preamble] = {};
  if (!file.read(reinterpret_cast<char*>(start), preamble) ||
      std::memcmp(start, magic.data(), magic.size()) != 0)
    refuse(path, "it does not start like version 1.0 of the format");
  const size_t header_size = start[preamble - 2] + 256u * start[preamble - 1];
  if (header_size > longest_header) refuse(path, fmt::format("a header of {} bytes", header_size));
  std::string header(header_size, '\0');
  if (!file.read(header.data(), static_cast<std::streamsize>(header_size)))
    refuse(path, "the header is truncated");

  static const std::regex syntax(
      R"(\{ *'descr' *: *'([^']*)' *, *'fortran_order' *: *(True|False) *, *'shape' *: *\(([0-9, ]*)\) *,? *\} *\n)");
  std::smatch match;
  if (!std::regex_match(header, match, syntax)) refuse(path, "the header is malformed");
  if (match[1] != Type<T>::descr)
    refuse(path,
           fmt::format("it holds '{}', expected '{}' ({})", match[1].str(), Type<T>::descr, Type<T>::name));
  if (match[2] != "False") refuse(path, "it is in Fortran order, expected C order");

  NpyArray<T> array;
  array.shape = parse_shape(path, match[3]);
  if (!expected.empty() && array.shape != expected)
    throw InputError(fmt::format("{}: shape ({}), expected ({})", path, fmt::join(array.shape, ", "),
                                 fmt::join(expected, ", ")));
  const int64_t count = values_in(array.shape);
  const uintmax_t data = size - preamble - header_size;
  if (count < 0 || data % sizeof(T) != 0 || static_cast<uintmax_t>(count) != data / sizeof(T))
    refuse(path, fmt::format("shape ({}) of {} does not match its {} bytes of data", match[3].str(),
                             Type<T>::name, data));
  array.values.resize(static_cast<size_t>(count));
  if (data && !file.read(reinterpret_cast<char*>(array.values.data()), static_cast<std::streamsize>(data)))
    refuse(path, "the data is truncated");
  return array;
}

#define ALERT_NPY(T)                                                                                  \
  template const char* npy_dtype<T>();                                                                \
  template void write_npy<T>(const std::string&, const std::vector<int64_t>&, const std::vector<T>&); \
  template NpyArray<T> read_npy<T>(const std::string&, const std::vector<int64_t>&);
ALERT_NPY(double)
ALERT_NPY(float)
ALERT_NPY(uint8_t)
ALERT_NPY(int64_t)
#undef ALERT_NPY

}  // namespace alertbench
