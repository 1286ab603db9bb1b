#include "workloads/ptb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/text_file.h"
#include "base/unicode.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t max_ptb_bytes = 64u << 20;
constexpr size_t max_word_bytes = 256, max_vocabulary = 1000000;
constexpr const char* end_of_sentence = "<eos>";
constexpr const char* unknown_word = "<unk>";

using Ids = std::unordered_map<std::string_view, int32_t>;

[[noreturn]] void bad_ptb(const std::string& file, const std::string& what) {
  throw InputError(fmt::format(
      "{}: {}; pass the folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt with --data", file, what));
}

std::string file_of(const std::string& dir, PtbSplit split) {
  return (fs::path(dir) / fmt::format("ptb.{}.txt", name_of(split))).string();
}

std::string read_whole(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) bad_ptb(path, "no such file");
  std::string bytes = read_text_file(path, max_ptb_bytes);
  if (bytes.empty()) bad_ptb(path, "is empty");
  return bytes;
}

// The words of a text file, as views into its bytes, line after line.
class TextFile {
 public:
  explicit TextFile(const std::string& path) : path_(path), bytes_(read_whole(path)) {}

  // Calls `word(view, line)` for each word and `end()` behind each line that has one.
  template <class Word, class End>
  void each(const Word& word, const End& end) const {
    std::string_view rest = bytes_;
    bool any = false;
    for (int64_t line = 1; !rest.empty(); ++line) {
      const size_t length = std::min(rest.find('\n'), rest.size());
      if (each_of_line(rest.substr(0, length), line, word)) {
        end();
        any = true;
      }
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    if (!any) bad_ptb(path_, "contains no words");
  }

 private:
  template <class Word>
  bool each_of_line(std::string_view line, int64_t number, const Word& word) const {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    bool any = false;
    while (!line.empty()) {
      const size_t length = std::min(line.find_first_of(" \t"), line.size());
      if (length > 0) {
        check(line.substr(0, length), number);
        word(line.substr(0, length), number);
        any = true;
      }
      line.remove_prefix(std::min(length + 1, line.size()));
    }
    return any;
  }

  void check(std::string_view word, int64_t line) const {
    if (word.size() > max_word_bytes)
      bad_ptb(path_,
              fmt::format("line {}: a word of {} bytes, the limit is {}", line, word.size(), max_word_bytes));
    try {
      for (const char32_t c : decode_utf8(word))
        if (c < U' ' || c == 0x7f)
          throw InputError(fmt::format("control character {:#04x}", static_cast<uint32_t>(c)));
    } catch (const InputError& e) {
      bad_ptb(path_, fmt::format("line {}: not valid UTF-8: {}", line, e.what()));
    }
    if (word == end_of_sentence)
      bad_ptb(path_, fmt::format("line {}: contains the word {}, which marks the end of a line; remove it",
                                 line, word));
  }

  std::string path_, bytes_;
};

std::vector<std::string> words_of(const TextFile& file, const std::string& path) {
  std::vector<std::string> words{end_of_sentence};
  std::unordered_set<std::string_view> seen;
  file.each(
      [&](std::string_view word, int64_t line) {
        if (!seen.insert(word).second) return;
        if (words.size() == max_vocabulary)
          bad_ptb(path, fmt::format("line {}: more than {} distinct words", line, max_vocabulary));
        words.emplace_back(word);
      },
      [] {});
  return words;
}

Ptb::Text ids_of(const TextFile& file, const std::string& path, const Ids& ids) {
  Ptb::Text text;
  text.starts.push_back(0);
  const auto unknown = ids.find(unknown_word);
  const int32_t end = ids.at(end_of_sentence);
  file.each(
      [&](std::string_view word, int64_t line) {
        auto id = ids.find(word);
        if (id == ids.end()) id = unknown;
        if (id == ids.end())
          bad_ptb(path, fmt::format("line {}: the training text has neither the word '{}' nor {}", line, word,
                                    unknown_word));
        text.words.push_back(id->second);
      },
      [&] {
        text.words.push_back(end);
        text.starts.push_back(static_cast<int64_t>(text.words.size()));
      });
  return text;
}

}  // namespace

const char* name_of(PtbSplit split) {
  return split == PtbSplit::train ? "train" : split == PtbSplit::valid ? "valid" : "test";
}

Ptb::Ptb(const std::string& dir) {
  const std::string train_path = file_of(dir, PtbSplit::train);
  const TextFile train(train_path);
  vocabulary_ = words_of(train, train_path);
  Ids ids;
  for (const std::string& word : vocabulary_) ids.emplace(word, static_cast<int32_t>(ids.size()));
  text_[0] = ids_of(train, train_path, ids);
  for (const PtbSplit split : {PtbSplit::valid, PtbSplit::test}) {
    const std::string path = file_of(dir, split);
    std::error_code ignored;
    if (split == PtbSplit::test && !fs::exists(path, ignored)) continue;
    text_[static_cast<size_t>(split)] = ids_of(TextFile(path), path, ids);
  }
  order_by_frequency();
  source_ = fmt::format("{}: {} training words including ends of sentences, {} distinct; {} validation words",
                        dir, text_[0].words.size(), vocabulary_.size(), text_[1].words.size());
}

Ptb Ptb::synthetic(uint64_t seed, int64_t train_sentences) {
  constexpr int words = 10000, longest = 82;
  constexpr double mean_log = 2.908, sd_log = 0.587;  // of the sentence lengths of the real training text
  if (train_sentences < 1 || train_sentences > 10000000)
    throw InputError(
        fmt::format("synthetic text of {} sentences; expected 1 to 10,000,000", train_sentences));
  std::vector<double> cumulative;
  for (int rank = 1; rank < words; ++rank)
    cumulative.push_back((cumulative.empty() ? 0 : cumulative.back()) + 1.0 / rank);

  Ptb ptb;
  Random random(seed);
  for (size_t split = 0; split < 3; ++split) {
    Text& text = ptb.text_[split];
    text.starts.push_back(0);
    const int64_t sentences = split == 0 ? train_sentences : std::max<int64_t>(1, train_sentences / 12);
    for (int64_t n = 0; n < sentences; ++n) {
      const double length = std::exp(mean_log + sd_log * random.normal());
      for (int left = static_cast<int>(std::clamp(std::round(length), 1.0, double{longest})); left > 0;
           --left) {
        const double place = random.uniform() * cumulative.back();
        text.words.push_back(
            static_cast<int32_t>(std::upper_bound(cumulative.begin(), cumulative.end(), place) -
                                 cumulative.begin()) +
            1);
      }
      text.words.push_back(0);
      text.starts.push_back(static_cast<int64_t>(text.words.size()));
    }
  }
  ptb.vocabulary_.push_back(end_of_sentence);
  for (int rank = 1; rank < words; ++rank) ptb.vocabulary_.push_back(fmt::format("w{}", rank));
  ptb.order_by_frequency();
  ptb.source_ = fmt::format(
      "synthetic Penn Treebank, seed {}: {} training words including ends of sentences, {} distinct", seed,
      ptb.text_[0].words.size(), words);
  return ptb;
}

void Ptb::order_by_frequency() {
  std::vector<int64_t> counts(vocabulary_.size(), 0);
  for (const int32_t word : text_[0].words) ++counts[static_cast<size_t>(word)];
  std::vector<size_t> order(vocabulary_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : vocabulary_[a] < vocabulary_[b];
  });
  std::vector<std::string> words;
  std::vector<int32_t> new_id(order.size());
  for (const size_t old : order) {
    new_id[old] = static_cast<int32_t>(words.size());
    words.push_back(std::move(vocabulary_[old]));
  }
  vocabulary_ = std::move(words);
  for (Text& text : text_)
    for (int32_t& word : text.words) word = new_id[static_cast<size_t>(word)];

  frequencies_.clear();
  for (const size_t old : order)
    frequencies_.push_back(static_cast<double>(std::max<int64_t>(counts[old], 1)));
  const double sum = std::accumulate(frequencies_.begin(), frequencies_.end(), 0.0);
  for (double& f : frequencies_) f /= sum;
}

const Ptb::Text& Ptb::text(PtbSplit split) const {
  if (!has(split)) bad_ptb(source_, fmt::format("ptb.{}.txt does not exist", name_of(split)));
  return text_[static_cast<size_t>(split)];
}

int Ptb::id_of(const std::string& word) const {
  const auto found = std::find(vocabulary_.begin(), vocabulary_.end(), word);
  return found == vocabulary_.end() ? -1 : static_cast<int>(found - vocabulary_.begin());
}

Ptb::Unigram Ptb::unigram(PtbSplit split) const {
  const Text& of = text(split);
  double bits = 0, hits = 0;
  for (const int32_t word : of.words) {
    bits -= std::log2(frequencies_[static_cast<size_t>(word)]);
    hits += word == 0;
  }
  const auto count = static_cast<double>(of.words.size());
  return {std::exp2(bits / count), hits / count};
}

}  // namespace alertbench
