// Text as code points, with the character classes of Python 3's str, from ICU's tables. The two differ only
// where their versions of Unicode do.
#pragma once

#include <string>
#include <string_view>

namespace alertbench {

// Throws InputError, which names the first byte that is not UTF-8 (overlong forms and surrogates are not).
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);
size_t utf8_bytes(char32_t c);  // 1 to 4

// Appends what str.lower() makes of text[i]. Only the capital sigma's lower case depends on its neighbours
// (final form at the end of a word), and only the dotted capital I becomes two characters.
void append_lower(std::u32string& lower, std::u32string_view text, size_t i);

bool is_space(char32_t c);           // str.isspace(), and where str.split() splits
bool is_word_character(char32_t c);  // \w of a Unicode pattern of `re`: str.isalnum() or "_"

}  // namespace alertbench
