// Penn Treebank in the usual three files, for word-level language models: ptb.train.txt, ptb.valid.txt,
// ptb.test.txt, one sentence a line, words parted by blanks. Every line ends in the word <eos>; <unk> and N
// are words like any other.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace alertbench {

enum class PtbSplit { train, valid, test };

const char* name_of(PtbSplit split);  // "train", "valid", "test"

class Ptb {
 public:
  struct Text {
    std::vector<int32_t> words;   // ids of [0, vocabulary size); each sentence with its <eos>
    std::vector<int64_t> starts;  // where sentence n begins in words; one more entry: where the last one ends

    int64_t sentences() const { return static_cast<int64_t>(starts.size()) - 1; }
  };

  // What a guess without a network is worth: probabilities are the words' shares of the training text.
  struct Unigram {
    double perplexity = 0;  // on the split asked for
    double accuracy = 0;    // share of the split's words that are the most frequent training word, 0..1
  };

  // Reads the training and validation text, and the test text where there is one. InputError names file, line
  // and word: a file that is missing, without a word, larger than 64 MiB, not text in UTF-8, with a word of
  // more than 256 bytes, or the word <eos> (blank lines are passed over, and the last line needs no line
  // break); a word that the training text lacks, where that has no <unk> to stand for it; more than 1,000,000
  // different words.
  explicit Ptb(const std::string& dir);

  // Made-up text of the shape of the real one, for measuring time where there is no data: 10,000 words drawn
  // independently with frequency proportional to 1 / rank (Zipf), sentence lengths log-normal with the mean
  // (21 words), spread and longest sentence (82) of the real text. A network can learn no more than the
  // frequencies. The training text gets `train_sentences`, the others a twelfth of that each (at least 1).
  // InputError outside 1..10,000,000.
  static Ptb synthetic(uint64_t seed, int64_t train_sentences = 42068);

  // InputError if the folder has no such text (only "test" can be missing).
  const Text& text(PtbSplit split) const;
  bool has(PtbSplit split) const { return text_[static_cast<size_t>(split)].starts.size() > 1; }

  // By frequency in the training text, words of equal frequency by their bytes: id 0 is the most frequent
  // word.
  const std::vector<std::string>& vocabulary() const { return vocabulary_; }
  int vocabulary_size() const { return static_cast<int>(vocabulary_.size()); }
  int id_of(const std::string& word) const;  // -1 where the vocabulary lacks it
  // Shares of the training text, by id; a word of the synthetic vocabulary that was never drawn counts as
  // drawn once.
  const std::vector<double>& frequencies() const { return frequencies_; }
  Unigram unigram(PtbSplit split) const;

  std::string data_source() const { return source_; }  // one line: folder and counts, or the seed

 private:
  Ptb() = default;
  void order_by_frequency();

  std::array<Text, 3> text_;
  std::vector<std::string> vocabulary_;
  std::vector<double> frequencies_;
  std::string source_;
};

}  // namespace alertbench
