#include "workloads/fashion_mnist.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "workloads/preprocess.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t image_bytes = FashionMnist::side * FashionMnist::side;
constexpr uint32_t max_count = 1000000;

[[noreturn]] void bad_fashion_mnist(const std::string& file, const std::string& what) {
  throw InputError(fmt::format(
      "{}: {}; run apt-get install dataset-fashion-mnist, or pass --data fashion-mnist=DIR", file, what));
}

std::string find(const std::string& dir, const std::string& base) {
  for (const char* ending : {".gz", ""}) {
    const std::string path = (fs::path(dir) / (base + ending)).string();
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path;
  }
  bad_fashion_mnist(dir, fmt::format("expected the file {}.gz or {}, found neither", base, base));
}

class IdxFile {
 public:
  explicit IdxFile(std::string path) : path_(std::move(path)), file_(gzopen(path_.c_str(), "rb"), gzclose) {
    if (!file_) bad_fashion_mnist(path_, "cannot be opened");
  }

  uint32_t word(const char* what) {
    const auto bytes = read(4);
    if (bytes.size() < 4)
      bad_fashion_mnist(path_, fmt::format("ends within its header; expected the {}", what));
    return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
  }

  void expect(const char* what, uint32_t expected) {
    const uint32_t found = word(what);
    if (found != expected)
      bad_fashion_mnist(path_, fmt::format("expected {} {:#x}, found {:#x}", what, expected, found));
  }

  uint32_t count() {
    const uint32_t found = word("count");
    if (found < 1 || found > max_count) {
      bad_fashion_mnist(path_, fmt::format("expected a count of 1..{}, found {}", max_count, found));
    }
    return found;
  }

  // All that is left, which must be exactly `size` bytes.
  std::vector<uint8_t> rest(size_t size) {
    // One byte too many is asked for: it shows trailing data, and makes zlib check the end of the stream.
    auto bytes = read(size + 1);
    if (bytes.size() < size) {
      bad_fashion_mnist(path_,
                        fmt::format("expected {} bytes after the header, found {}", size, bytes.size()));
    }
    if (bytes.size() > size)
      bad_fashion_mnist(path_, fmt::format("expected {} bytes after the header, found more", size));
    return bytes;
  }

 private:
  std::vector<uint8_t> read(size_t size) {
    constexpr size_t chunk = 1 << 20;
    std::vector<uint8_t> bytes;
    while (bytes.size() < size) {
      const size_t had = bytes.size();
      const size_t want = std::min(chunk, size - had);
      bytes.resize(had + want);
      const int got = gzread(file_.get(), bytes.data() + had, static_cast<unsigned>(want));
      bytes.resize(had + static_cast<size_t>(std::max(got, 0)));
      int code = Z_OK;
      const char* message = gzerror(file_.get(), &code);
      if (got < 0 || code != Z_OK) {
        // zlib's text begins with the path already
        const std::string text = code == Z_BUF_ERROR ? "the gzip stream is cut off" : message;
        bad_fashion_mnist(path_, fmt::format("cannot be read: {}", text));
      }
      if (static_cast<size_t>(got) < want) break;
    }
    return bytes;
  }

  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

std::vector<uint8_t> read_images(const std::string& path) {
  IdxFile file(path);
  file.expect("magic number", 0x00000803);
  const uint32_t count = file.count();
  file.expect("rows", FashionMnist::side);
  file.expect("columns", FashionMnist::side);
  return file.rest(count * image_bytes);
}

std::vector<uint8_t> read_labels(const std::string& path, size_t images) {
  IdxFile file(path);
  file.expect("magic number", 0x00000801);
  const uint32_t count = file.count();
  if (count != images)
    bad_fashion_mnist(path, fmt::format("expected {} labels, one per image, found {}", images, count));
  auto labels = file.rest(count);
  const auto bad = std::find_if(labels.begin(), labels.end(), [](uint8_t l) { return l > 9; });
  if (bad != labels.end()) {
    bad_fashion_mnist(path,
                      fmt::format("expected labels 0..9, found {} at index {}", *bad, bad - labels.begin()));
  }
  return labels;
}

}  // namespace

FashionMnist::FashionMnist(std::string dir, std::string split)
    : dir_(std::move(dir)), split_(std::move(split)) {
  if (split_ != "test" && split_ != "train") {
    throw InputError(fmt::format("fashion-mnist: split '{}' is unknown; known: test, train", split_));
  }
  const std::string prefix = split_ == "test" ? "t10k" : "train";
  pixels_ = read_images(find(dir_, prefix + "-images-idx3-ubyte"));
  labels_ = read_labels(find(dir_, prefix + "-labels-idx1-ubyte"), pixels_.size() / image_bytes);
}

std::string FashionMnist::data_source() const {
  return fmt::format("{}: {} images of split '{}', 10 classes", dir_, size(), split_);
}

void FashionMnist::check(int64_t n) const {
  if (n < 0 || n >= size()) throw std::out_of_range(fmt::format("fashion-mnist: no image {}", n));
}

Image FashionMnist::input(int64_t n, const ImageSpec& spec) const {
  check(n);
  const uint8_t* first = pixels_.data() + static_cast<size_t>(n) * image_bytes;
  return preprocess({1, side, side, {first, first + image_bytes}}, spec);
}

int FashionMnist::label(int64_t n) const {
  check(n);
  return labels_[static_cast<size_t>(n)];
}

std::string FashionMnist::input_id(int64_t n) const {
  check(n);
  return fmt::format("{}/{}", split_, n);
}

}  // namespace alertbench
