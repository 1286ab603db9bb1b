#include "workloads/wordpiece.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"
#include "base/unicode.h"

namespace alertbench {
namespace {

constexpr size_t max_vocabulary_bytes = size_t{16} << 20;
constexpr size_t max_piece_bytes = 1000;
constexpr size_t max_word = 100;  // characters
constexpr std::string_view continues = "##";

struct Character {
  char32_t c;
  Span span;
};
using Word = std::vector<Character>;

// The tables of `tokenizers` are those of Unicode 8: what came later has no category there, and what has
// changed since has its old one.
constexpr uint8_t unicode_of_tables = 8;
constexpr std::pair<char32_t, int8_t> old_categories[] = {
    {0x166D, U_OTHER_PUNCTUATION}, {0x1734, U_NON_SPACING_MARK},       {0x1885, U_OTHER_LETTER},
    {0x1886, U_OTHER_LETTER},      {0xA9BD, U_COMBINING_SPACING_MARK}, {0x111C9, U_OTHER_PUNCTUATION}};

int8_t category(char32_t c) {
  for (const auto& [changed, old] : old_categories)
    if (c == changed) return old;
  UVersionInfo since;
  u_charAge(static_cast<UChar32>(c), since);
  return since[0] > unicode_of_tables ? int8_t{U_UNASSIGNED} : u_charType(static_cast<UChar32>(c));
}

bool dropped(char32_t c) {
  if (c == U'\t' || c == U'\n' || c == U'\r') return false;
  const int8_t is = category(c);
  return c == 0xFFFD || is == U_CONTROL_CHAR || is == U_FORMAT_CHAR || is == U_PRIVATE_USE_CHAR;
}

bool is_cjk(char32_t c) {
  constexpr char32_t blocks[][2] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                    {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [c](const auto& b) { return c >= b[0] && c <= b[1]; });
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > U' ' && c < 0x7F && !u_isalnum(static_cast<UChar32>(c));
  return (U_MASK(category(c)) & U_GC_P_MASK) != 0;
}

std::vector<Word> split_words(const std::string& text) {
  std::vector<Word> words;
  bool open = false;
  size_t begin = 0;
  for (const char32_t c : decode_utf8(text)) {
    const Span span{begin, begin + utf8_bytes(c)};
    begin = span.end;
    if (dropped(c)) continue;
    const bool alone = is_cjk(c);
    if (is_space(c)) {
      open = false;
    } else {
      if (!open || alone) words.emplace_back();
      words.back().push_back({c, span});
      open = !alone;
    }
  }
  return words;
}

Word lower_case(const Word& word) {
  std::u32string lower;
  Word result;
  for (const auto& [c, span] : word) {
    lower.clear();
    append_lower(lower, {&c, 1}, 0);  // without its neighbours
    for (const char32_t l : lower) result.push_back({l, span});
  }
  return result;
}

void append_decomposed(Word& word, const Character& character) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* nfc = unorm2_getNFCInstance(&status);
  UChar units[64];  // the longest canonical decomposition has four characters
  const int32_t size =
      U_FAILURE(status) ? 0
                        : unorm2_getDecomposition(nfc, static_cast<UChar32>(character.c), units, 64, &status);
  if (U_FAILURE(status))
    throw RunError(fmt::format("ICU cannot decompose characters: {}", u_errorName(status)));
  if (size < 0) word.push_back(character);
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U16_NEXT(units, i, size, c);
    word.push_back({static_cast<char32_t>(c), character.span});
  }
}

// NFD: characters decomposed, then marks in the order of their combining classes.
Word decompose(const Word& word) {
  Word result;
  for (const Character& character : word) append_decomposed(result, character);
  const auto combining = [](const Character& x) { return u_getCombiningClass(static_cast<UChar32>(x.c)); };
  for (auto first = result.begin(); first != result.end(); ++first) {
    if (combining(*first) == 0) continue;
    const auto last =
        std::find_if(first, result.end(), [&](const Character& x) { return combining(x) == 0; });
    std::stable_sort(first, last,
                     [&](const Character& a, const Character& b) { return combining(a) < combining(b); });
    first = last - 1;
  }
  return result;
}

Word strip_accents(const Word& word) {
  Word result;
  for (const Character& character : decompose(word)) {
    if (category(character.c) != U_NON_SPACING_MARK) {
      result.push_back(character);
    } else if (!result.empty()) {
      result.back().span.end = std::max(result.back().span.end, character.span.end);
    }
  }
  return result;
}

std::vector<Word> split_punctuation(const Word& word) {
  std::vector<Word> words;
  bool open = false;
  for (const Character& character : word) {
    const bool alone = is_punctuation(character.c);
    if (!open || alone) words.emplace_back();
    words.back().push_back(character);
    open = !alone;
  }
  return words;
}

Span span_of(const Word& word, size_t first, size_t last) {
  Span span = word[first].span;
  for (size_t i = first + 1; i < last; ++i)
    span = {std::min(span.begin, word[i].span.begin), std::max(span.end, word[i].span.end)};
  return span;
}

// Ends of the characters in the word's UTF-8, from 0.
std::vector<size_t> byte_ends(const Word& word) {
  std::vector<size_t> ends{0};
  for (const Character& character : word) ends.push_back(ends.back() + utf8_bytes(character.c));
  return ends;
}

// The longest piece first, again and again; empty if the vocabulary has none.
std::vector<Token> word_pieces(const Vocabulary& vocabulary, const Word& word) {
  std::u32string characters;
  for (const Character& character : word) characters.push_back(character.c);
  const std::string text = encode_utf8(characters);
  const std::vector<size_t> ends = byte_ends(word);
  std::vector<Token> tokens;
  for (size_t start = 0; start < word.size();) {
    const std::string_view prefix = start ? continues : "";
    int64_t id = -1;
    size_t end = word.size() + 1;
    while (id < 0 && --end > start) {
      if (ends[end] - ends[start] + prefix.size() > vocabulary.longest()) continue;
      id = vocabulary.find(std::string(prefix).append(text, ends[start], ends[end] - ends[start]));
    }
    if (id < 0) return {};
    tokens.push_back({id, span_of(word, start, end)});
    start = end;
  }
  return tokens;
}

// What is wrong with a line of a vocabulary; "" where nothing is. Other white space than blanks and tabs may
// be a piece.
std::string problem_of(const std::string& piece) {
  if (piece.size() > max_piece_bytes)
    return fmt::format("{} bytes exceed the limit of {} for a word piece", piece.size(), max_piece_bytes);
  try {
    decode_utf8(piece);
  } catch (const InputError& e) {
    return e.what();
  }
  if (piece.find_first_of(" \t") == std::string::npos) return "";
  return fmt::format("\"{}\" contains white space; each line must be one word piece", piece);
}

// Special tokens ("[CLS]") are in capitals everywhere.
bool has_capital(const std::string& piece) {
  if (piece.front() == '[' && piece.back() == ']') return false;
  const std::u32string characters = decode_utf8(piece);
  return std::any_of(characters.begin(), characters.end(),
                     [](char32_t c) { return u_isupper(static_cast<UChar32>(c)); });
}

}  // namespace

Vocabulary Vocabulary::read(const std::string& path) {
  const std::string text = read_text_file(path, max_vocabulary_bytes);
  if (text.empty())
    throw InputError(path + ": is empty; expected one word piece per line, as in BERT's vocab.txt");
  Vocabulary v;
  int64_t line = 0;
  size_t capitals = 0;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const auto fail = [&](const std::string& what) {
      throw InputError(fmt::format("{}: line {}: {}", path, line + 1, what));
    };
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string piece = text.substr(begin, end - begin);
    begin = end + 1;
    if (!piece.empty() && piece.back() == '\r') piece.pop_back();
    if (piece.empty()) continue;
    if (const std::string problem = problem_of(piece); !problem.empty()) fail(problem);
    capitals += has_capital(piece);
    const auto [first, fresh] = v.ids_.emplace(piece, line);
    if (!fresh) fail(fmt::format("duplicate word piece \"{}\", first in line {}", piece, first->second + 1));
    v.longest_ = std::max(v.longest_, piece.size());
  }
  v.lines_ = static_cast<size_t>(line);
  v.cased_ = capitals * 100 > v.ids_.size();
  const auto special = [&](const char* piece) {
    const int64_t id = v.find(piece);
    if (id < 0)
      throw InputError(
          fmt::format("{}: has no line {}; is this the vocab.txt of a BERT network?", path, piece));
    return id;
  };
  v.pad_ = special("[PAD]");
  v.unknown_ = special("[UNK]");
  v.cls_ = special("[CLS]");
  v.sep_ = special("[SEP]");
  return v;
}

int64_t Vocabulary::find(const std::string& piece) const {
  const auto it = ids_.find(piece);
  return it == ids_.end() ? -1 : it->second;
}

std::vector<Token> tokenize(const Vocabulary& vocabulary, const std::string& text) {
  std::vector<Token> tokens;
  for (const Word& raw : split_words(text)) {
    for (const Word& word : split_punctuation(vocabulary.cased() ? raw : strip_accents(lower_case(raw)))) {
      const auto pieces = word.size() > max_word ? std::vector<Token>() : word_pieces(vocabulary, word);
      tokens.insert(tokens.end(), pieces.begin(), pieces.end());
      if (pieces.empty()) tokens.push_back({vocabulary.unknown(), span_of(word, 0, word.size())});
    }
  }
  return tokens;
}

}  // namespace alertbench
