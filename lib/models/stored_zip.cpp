#include "models/stored_zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstddef>

#include "core/error.h"

namespace alertbench {
namespace {

// PKWARE's APPNOTE.TXT, 4.3: a directory of members stands at the end, and behind it the record that says where.
constexpr std::string_view end_mark{"PK\5\6", 4}, member_mark{"PK\1\2", 4}, local_mark{"PK\3\4", 4};
constexpr size_t end_size = 22, member_size = 46, local_size = 30, longest_comment = 0xFFFF;

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::map<std::string, std::string_view> members() const {
    const size_t end = end_record();
    const size_t count = number(end + 10, 2);
    size_t at = number(end + 16, 4);
    std::map<std::string, std::string_view> all;
    for (size_t i = 0; i < count; ++i) {
      if (piece(at, member_size).substr(0, 4) != member_mark)
        fail(fmt::format("no entry of its directory at byte {}", at));
      const size_t name_size = number(at + 28, 2);
      const std::string name(piece(at + member_size, name_size));
      if (!all.emplace(name, content(at, name)).second)
        fail(fmt::format("member \"{}\" stands twice", printable(name)));
      at += member_size + name_size + number(at + 30, 2) + number(at + 32, 2);
    }
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: not a readable weights file ({} bytes): {}", path_, bytes_.size(), what));
  }
  std::string_view piece(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at)
      fail(fmt::format("torn: {} bytes at {} are not there", size, at));
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

  size_t end_record() const {
    const size_t at = bytes_.rfind(end_mark);
    if (at == std::string_view::npos || bytes_.size() - at > end_size + longest_comment ||
        bytes_.size() - at < end_size)
      fail("torn, or not PyTorch's zip format (of version 1.6 and later)");
    return at;
  }

  std::string_view content(size_t entry, const std::string& name) const {
    const size_t flags = number(entry + 8, 2), method = number(entry + 10, 2), checksum = number(entry + 16, 4);
    const size_t packed = number(entry + 20, 4), size = number(entry + 24, 4), local = number(entry + 42, 4);
    if (method != 0 || packed != size || (flags & 1))
      fail(
          fmt::format("member \"{}\" is compressed or encrypted (TorchScript, or packed anew?); `torch.save` stores "
                      "tensors as they are",
                      printable(name)));
    if (piece(local, local_size).substr(0, 4) != local_mark)
      fail(fmt::format("member \"{}\" is not at byte {}", printable(name), local));
    const std::string_view data = piece(local + local_size + number(local + 26, 2) + number(local + 28, 2), size);
    if (crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())) != checksum)
      fail(fmt::format("member \"{}\" has a wrong checksum; the file is damaged", printable(name)));
    return data;
  }

  std::string_view bytes_;
  const std::string& path_;
};

}  // namespace

std::map<std::string, std::string_view> read_stored_zip(std::string_view bytes, const std::string& path) {
  return Archive(bytes, path).members();
}

}  // namespace alertbench
