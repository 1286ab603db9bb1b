// Text as code points, and files read whole.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/error.h"
#include "base/text_file.h"
#include "base/unicode.h"
#include "catch.h"
#include "support.h"

using namespace alertbench;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string lower(const std::string& text) {
  const std::u32string points = decode_utf8(text);
  std::u32string result;
  for (size_t i = 0; i < points.size(); ++i) append_lower(result, points, i);
  return encode_utf8(result);
}

}  // namespace

TEST_CASE("UTF-8 is decoded and encoded again, one to four bytes a character", "[unicode]") {
  const std::string text = u8"a\u00e9\u20ac\U0001F600";
  const std::u32string points = decode_utf8(text);
  CHECK(points == U"a\u00e9\u20ac\U0001F600");
  CHECK(encode_utf8(points) == text);
  size_t bytes = 0;
  for (const char32_t c : points) bytes += utf8_bytes(c);
  CHECK(bytes == text.size());
  CHECK(decode_utf8(std::string("\0a", 2)).size() == 2);
  CHECK(decode_utf8("").empty());
}

TEST_CASE("what is no UTF-8 is refused at its first byte", "[unicode]") {
  CHECK_THROWS_WITH(decode_utf8("ab\xff"), ContainsSubstring("byte 2 (0xff) is not UTF-8"));
  CHECK_THROWS_AS(decode_utf8("\xc3"), InputError);              // torn
  CHECK_THROWS_AS(decode_utf8("\xc0\xaf"), InputError);          // overlong
  CHECK_THROWS_AS(decode_utf8("\xed\xa0\x80"), InputError);      // surrogate
  CHECK_THROWS_AS(decode_utf8("\xf4\x90\x80\x80"), InputError);  // beyond U+10FFFF
}

TEST_CASE("lower case is Python's: final sigma by its neighbours, dotted capital I as two characters",
          "[unicode]") {
  CHECK(lower("ABC xyz 1") == "abc xyz 1");
  CHECK(lower(u8"\u0130") == u8"i\u0307");
  CHECK(lower(u8"\u039f\u03a3 \u03a3\u039f \u03a3") == u8"\u03bf\u03c2 \u03c3\u03bf \u03c3");
  CHECK(lower(u8"A\u03a3'B") == u8"a\u03c3'b");  // an apostrophe is passed over
  CHECK(lower(u8"A'\u03a3.") == u8"a'\u03c2.");
  CHECK(lower(u8"\u00df\u01c5") == u8"\u00df\u01c6");
}

TEST_CASE("spaces and word characters are Python's", "[unicode]") {
  for (const char32_t c : U" \t\n\v\f\r\x1c\x1f\x85\u00a0\u1680\u2028\u2029\u202f\u3000")
    if (c) CHECK(is_space(c));
  for (const char32_t c : U"a_\u200b\ufeff\u180e")
    if (c) CHECK_FALSE(is_space(c));
  for (const char32_t c : U"aZ_9\u00e9\u00bd\u00b2\u2167\u4e00\u0663")
    if (c) CHECK(is_word_character(c));
  for (const char32_t c : U" -'\u0301\u2019\u20ac\u200d")
    if (c) CHECK_FALSE(is_word_character(c));
}

TEST_CASE("files are read whole up to a limit", "[unicode]") {
  const Folder folder;
  const std::string path = folder / "text", text(200000, 'x');
  put(path, text);
  CHECK(read_text_file(path, text.size()) == text);
  CHECK_THROWS_WITH(read_text_file(path, text.size() - 1),
                    ContainsSubstring(path) && ContainsSubstring("limit of 199999 bytes"));
  std::filesystem::remove(path);
  CHECK_THROWS_WITH(read_text_file(path, 10), ContainsSubstring("No such file"));
  CHECK_THROWS_AS(read_text_file("/tmp", 10), InputError);
  CHECK_THROWS_AS(read_text_file("/dev/zero", 1 << 20), InputError);
}
