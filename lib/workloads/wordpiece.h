// BERT's tokenizer: the basic tokenizer, then greedy WordPiece, as the package `tokenizers` (Hugging Face)
// computes them; tests/peers/language.py holds one against the other. It differs from tokenization.py of
// google-research/bert, where that has no model: capital sigma at the end of a word becomes the usual small
// one, private characters go, and ideographs U+2B820 to U+2B91F do not stand alone.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace alertbench {

// Bytes [begin, end) of a UTF-8 text, whole characters.
struct Span {
  size_t begin = 0, end = 0;
};

// The word pieces of a vocab.txt: one per line, the id is the line's number from 0; "##" opens a piece that
// continues a word. Only '\n' (or "\r\n") ends a line: vocabularies of Chinese have U+2028 as a piece. A
// blank line counts, and is no piece.
class Vocabulary {
 public:
  // Throws InputError, with the line where there is one: an empty file, a duplicate piece, or one that has a
  // blank or a tab in it, bytes that are not UTF-8, no [PAD], [UNK], [CLS] or [SEP], more than 16 MiB.
  static Vocabulary read(const std::string& path);

  size_t size() const { return lines_; }
  // More than one piece in a hundred has a capital letter: of a cased BERT (in bert-base-cased every third,
  // in uncased ones none).
  bool cased() const { return cased_; }
  int64_t find(const std::string& piece) const;  // -1 where there is none
  size_t longest() const { return longest_; }    // bytes of the longest piece
  int64_t pad() const { return pad_; }
  int64_t unknown() const { return unknown_; }
  int64_t cls() const { return cls_; }
  int64_t sep() const { return sep_; }

 private:
  std::unordered_map<std::string, int64_t> ids_;
  size_t lines_ = 0, longest_ = 0;
  bool cased_ = false;
  int64_t pad_ = 0, unknown_ = 0, cls_ = 0, sep_ = 0;
};

struct Token {
  int64_t id = 0;
  // Where the text has what became this token, with its accents. Tokens of one composed character (a Hangul
  // syllable) share its span.
  Span span;
};

// Control, format and private characters go; white space, and each punctuation or CJK character, splits;
// unless the vocabulary is cased, lower case, no accents (NFD without category Mn). Categories are those of
// Unicode 8, as in `tokenizers`: later characters are no punctuation and no accents. A word of more than 100
// characters (200 in the last version of google-research/bert), or one that the vocabulary cannot make up, is
// one [UNK]. Special tokens in the text are text. Throws InputError if the text is not UTF-8.
std::vector<Token> tokenize(const Vocabulary& vocabulary, const std::string& text);

}  // namespace alertbench
