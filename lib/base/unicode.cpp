#include "base/unicode.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr char32_t capital_sigma = 0x3A3, small_sigma = 0x3C3, final_sigma = 0x3C2;
constexpr char32_t capital_i_with_dot = 0x130, dot_above = 0x307;

UChar32 icu(char32_t c) { return static_cast<UChar32>(c); }

bool cased(char32_t c) { return u_hasBinaryProperty(icu(c), UCHAR_CASED); }
bool case_ignorable(char32_t c) { return u_hasBinaryProperty(icu(c), UCHAR_CASE_IGNORABLE); }

// Unicode's condition Final_Sigma: a letter before it, none after it.
bool ends_word(std::u32string_view text, size_t i) {
  size_t before = i, after = i + 1;
  while (before > 0 && case_ignorable(text[before - 1])) --before;
  if (before == 0 || !cased(text[before - 1])) return false;
  while (after < text.size() && case_ignorable(text[after])) ++after;
  return after == text.size() || !cased(text[after]);
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t first = i;
    UChar32 c = 0;
    U8_NEXT(text.data(), i, text.size(), c);
    if (c < 0)
      throw InputError(fmt::format("byte {} ({:#04x}) is not UTF-8; convert the text to UTF-8", first,
                                   static_cast<unsigned char>(text[first])));
    points.push_back(static_cast<char32_t>(c));
  }
  return points;
}

size_t utf8_bytes(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

std::string encode_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t c : text) {
    char buffer[U8_MAX_LENGTH];
    size_t size = 0;
    U8_APPEND_UNSAFE(buffer, size, icu(c));
    bytes.append(buffer, size);
  }
  return bytes;
}

void append_lower(std::u32string& lower, std::u32string_view text, size_t i) {
  const char32_t c = text[i];
  if (c == capital_sigma) {
    lower.push_back(ends_word(text, i) ? final_sigma : small_sigma);
  } else if (c == capital_i_with_dot) {
    lower.append({U'i', dot_above});
  } else {
    lower.push_back(static_cast<char32_t>(u_tolower(icu(c))));
  }
}

bool is_space(char32_t c) { return u_isspace(icu(c)); }

bool is_word_character(char32_t c) {
  return c == U'_' || u_isalpha(icu(c)) || u_getIntPropertyValue(icu(c), UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

}  // namespace alertbench
