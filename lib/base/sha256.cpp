#include "base/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/text_file.h"

namespace alertbench {
namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const char* data, size_t size) { require(EVP_DigestUpdate(context_.get(), data, size) == 1); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
    return fmt::format("{:02x}", fmt::join(bytes.begin(), bytes.begin() + size, ""));
  }

 private:
  static void require(bool good) {
    if (!good) throw RunError("SHA-256: libcrypto reports an error");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

FileFact hash_file(const std::string& path) {
  const auto file = open_to_read(path);
  Digest digest;
  FileFact fact{path, "", 0};
  std::vector<char> piece(1 << 16);
  while (const size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    digest.add(piece.data(), got);
    fact.bytes += got;
  }
  if (std::ferror(file.get()))
    throw InputError(fmt::format("{}: cannot read this file ({})", path, std::strerror(errno)));
  fact.sha256 = digest.hex();
  return fact;
}

std::string sha256_of(std::string_view content) {
  Digest digest;
  digest.add(content.data(), content.size());
  return digest.hex();
}

}  // namespace alertbench
