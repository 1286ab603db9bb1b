#include "models/stored_zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/error.h"

namespace alertbench {
namespace {

// PKWARE's APPNOTE.TXT, 4.3: a directory of members stands at the end, and behind it the record that says
// where.
constexpr std::string_view end_mark{"PK\5\6", 4}, member_mark{"PK\1\2", 4}, local_mark{"PK\3\4", 4};
constexpr std::string_view wide_end_mark{"PK\6\6", 4}, locator_mark{"PK\6\7", 4};
constexpr size_t end_size = 22, wide_end_size = 56, locator_size = 20, member_size = 46, local_size = 30,
                 longest_comment = 0xFFFF;
constexpr size_t none_of_16 = 0xFFFF, none_of_32 = 0xFFFFFFFF;  // a number that did not fit

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::map<std::string, std::string_view> members() const {
    auto [count, at] = directory();
    size_t total = 0;
    std::map<std::string, std::string_view> all;
    std::vector<Checksum> checksums;
    for (size_t i = 0; i < count; ++i) {
      if (piece(at, member_size).substr(0, 4) != member_mark)
        fail(fmt::format("no directory entry at byte {}", at));
      const size_t name_size = number(at + 28, 2);
      const std::string name(piece(at + member_size, name_size));
      const std::string_view data = content(at, name);
      // Else a small file could name its bytes, which are read for their checksum, again and again.
      if (total += data.size(); total > bytes_.size()) fail("its members overlap");
      if (!all.emplace(name, data).second) fail(fmt::format("duplicate member \"{}\"", printable(name)));
      checksums.push_back({name, data, number(at + 16, 4)});
      at += member_size + name_size + number(at + 30, 2) + number(at + 32, 2);
    }
    check(checksums);
    return all;
  }

 private:
  struct Checksum {
    std::string name;
    std::string_view data;
    size_t stored;
  };

  void check(const std::vector<Checksum>& checksums) const {
    const auto none = [](const Checksum& c) { return c.stored == 0; };
    if (std::all_of(checksums.begin(), checksums.end(), none)) return;
    for (const auto& [name, data, stored] : checksums)
      if (crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()) != stored)
        fail(fmt::format("member \"{}\" has a wrong checksum; the file is damaged", printable(name)));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(
        fmt::format("{}: not a readable weights file ({} bytes): {}", path_, bytes_.size(), what));
  }
  std::string_view piece(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at)
      fail(fmt::format("truncated: {} bytes at {} are missing", size, at));
    return bytes_.substr(at, size);
  }
  size_t number(size_t at, size_t size) const {  // least significant byte first
    const std::string_view raw = piece(at, size);
    size_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return value;
  }
  static std::string printable(std::string name) {
    for (char& c : name)
      if (c < ' ' || c > '~') c = '?';
    return name.substr(0, 80);
  }

  // Number of entries, and where they begin. Where 16 or 32 bits are too few, a second record before the
  // first says it (ZIP64).
  std::pair<size_t, size_t> directory() const {
    const size_t tail =
        bytes_.size() -
        std::min(bytes_.size(), end_size + longest_comment);  // a file with holes may be endless
    const size_t found = bytes_.substr(tail).rfind(end_mark), end = tail + found;
    if (found == std::string_view::npos || bytes_.size() - end < end_size)
      fail(
          "truncated, or neither PyTorch's zip format (version 1.6 and later), nor its older format, nor "
          "safetensors");
    const size_t count = number(end + 10, 2), at = number(end + 16, 4);
    if (count != none_of_16 && at != none_of_32) return {count, at};
    if (end < locator_size || piece(end - locator_size, 4) != locator_mark) return {count, at};
    const size_t wide = number(end - locator_size + 8, 8);
    if (piece(wide, wide_end_size).substr(0, 4) != wide_end_mark)
      fail(fmt::format("no ZIP64 end record at byte {}", wide));
    return {number(wide + 32, 8), number(wide + 48, 8)};
  }

  // The fields of an entry that did not fit 32 bits stand in its extra field 1, in this order.
  void widen(size_t entry, size_t& size, size_t& packed, size_t& local) const {
    size_t at = entry + member_size + number(entry + 28, 2);
    const size_t end = at + number(entry + 30, 2);
    while (at + 4 <= end && number(at, 2) != 1) at += 4 + number(at + 2, 2);
    at += 4;
    for (size_t* field : {&size, &packed, &local})
      if (*field == none_of_32 && at + 8 <= end) *field = number(at, 8), at += 8;
  }

  std::string_view content(size_t entry, const std::string& name) const {
    const size_t flags = number(entry + 8, 2), method = number(entry + 10, 2);
    size_t packed = number(entry + 20, 4), size = number(entry + 24, 4), local = number(entry + 42, 4);
    widen(entry, size, packed, local);
    if (method != 0 || packed != size || (flags & 1))
      fail(fmt::format(
          "member \"{}\" is compressed or encrypted; a TorchScript file needs \"architecture\": "
          "\"torchscript\", an archive that was repacked has to be saved by `torch.save` again, which "
          "stores tensors uncompressed",
          printable(name)));
    if (piece(local, local_size).substr(0, 4) != local_mark)
      fail(fmt::format("member \"{}\" is not at byte {}", printable(name), local));
    return piece(local + local_size + number(local + 26, 2) + number(local + 28, 2), size);
  }

  std::string_view bytes_;
  const std::string& path_;
};

}  // namespace

std::map<std::string, std::string_view> read_stored_zip(std::string_view bytes, const std::string& path) {
  return Archive(bytes, path).members();
}

}  // namespace alertbench
