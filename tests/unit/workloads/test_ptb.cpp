// Penn Treebank: synthetic texts, and the real one where the checkout has it beside it.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "catch.h"
#include "models/network_file.h"
#include "support.h"
#include "workloads/ptb.h"

using namespace alertbench;
namespace fs = std::filesystem;

namespace {

void write(const Folder& folder, const std::string& split, const std::string& bytes) {
  put(folder / ("ptb." + split + ".txt"), bytes);
}

std::string refusal(const std::string& train, const std::string& valid) {
  Folder folder;
  write(folder, "train", train);
  write(folder, "valid", valid);
  return message_of([&] { Ptb ptb(folder.path); });
}

using Words = std::vector<int32_t>;

}  // namespace

TEST_CASE("PTB: words, sentences and the order of the vocabulary", "[workloads][ptb]") {
  Folder folder;
  write(folder, "train", " b a b \n b c a <unk> \r\n");
  write(folder, "valid", "c\td new\n");
  const Ptb ptb(folder.path);
  // b 3; a and <eos> 2 each, "<" before "a"; <unk> and c 1 each.
  CHECK(ptb.vocabulary() == std::vector<std::string>{"b", "<eos>", "a", "<unk>", "c"});
  CHECK(ptb.text(PtbSplit::train).words == Words{0, 2, 0, 1, 0, 4, 2, 3, 1});
  CHECK(ptb.text(PtbSplit::train).starts == std::vector<int64_t>{0, 4, 9});
  CHECK(ptb.text(PtbSplit::valid).words == Words{4, 3, 3, 1});
  CHECK(ptb.text(PtbSplit::valid).sentences() == 1);
  CHECK(ptb.id_of("c") == 4);
  CHECK(ptb.id_of("d") == -1);
  CHECK_FALSE(ptb.has(PtbSplit::test));
  check_says(
      [&] {
        try {
          ptb.text(PtbSplit::test);
        } catch (const InputError& e) {
          return std::string(e.what());
        }
        return std::string();
      }(),
      {"ptb.test.txt does not exist"});
  check_says(ptb.data_source(), {folder.path, "9 training words", "5 distinct", "4 validation words"});
}

TEST_CASE("PTB: what the frequencies alone are worth", "[workloads][ptb]") {
  Folder folder;
  write(folder, "train", "a a a b\nb <unk>\n");  // a 3/8, b 2/8, <eos> 2/8, <unk> 1/8
  write(folder, "valid", "a b\n");
  write(folder, "test", "b b\nzzz a\n");
  const Ptb ptb(folder.path);
  CHECK(ptb.frequencies()[0] == Approx(3.0 / 8));
  const auto valid = ptb.unigram(PtbSplit::valid);
  CHECK(valid.perplexity == Approx(std::cbrt(8.0 / 3 * 4 * 4)));
  CHECK(valid.accuracy == Approx(1.0 / 3));
  const auto test = ptb.unigram(PtbSplit::test);
  CHECK(test.perplexity == Approx(std::pow(4.0 * 4 * 4 * 8 * (8.0 / 3) * 4, 1.0 / 6)));
  CHECK(test.accuracy == Approx(1.0 / 6));
}

TEST_CASE("PTB: blank lines, a missing last line break and a byte order mark change nothing",
          "[workloads][ptb]") {
  const auto words = [](const std::string& train) {
    Folder folder;
    write(folder, "train", train);
    write(folder, "valid", "a\n");
    const Ptb ptb(folder.path);
    CHECK(ptb.id_of("a") >= 0);
    return ptb.text(PtbSplit::train).words;
  };
  const auto plain = words("a b\nb <unk>\n");
  CHECK(plain.size() == 6);
  for (const char* same : {"a b\nb <unk>", "\na b\n \t\nb <unk>\n\n",
                           "\xEF\xBB\xBF"
                           "a b\r\nb <unk>\r\n"})
    CHECK(words(same) == plain);
}

TEST_CASE("PTB: files that cannot be used are refused by name and line", "[workloads][ptb]") {
  const std::string good = "a b\n";
  CHECK(refusal(good, good) == "");
  check_says(refusal("", good), {"ptb.train.txt", "empty", "--data"});
  check_says(refusal(good, ""), {"ptb.valid.txt", "empty"});
  check_says(refusal(" \n\n", good), {"ptb.train.txt", "no word"});
  check_says(refusal(good, "a\nb x\n"), {"ptb.valid.txt", "line 2", "'x'", "<unk>"});
  check_says(refusal("a\nb <eos> c\n", good), {"ptb.train.txt", "line 2", "<eos>"});
  check_says(refusal(good, "a\n" + std::string(257, 'a') + "\n"), {"line 2", "257 bytes"});
  for (const std::string& bytes :
       {std::string("\0", 1), std::string("\x7f"), std::string("\x80"), std::string("\xc0\xaf"),
        std::string("\xed\xa0\x80"), std::string("\xf5\x80\x80\x80"), std::string("\xe2\x82"),
        std::string("\x1f\x8b\x08")}) {
    INFO("first byte " << static_cast<int>(static_cast<unsigned char>(bytes[0])));
    check_says(refusal("a\nb c" + bytes + "\n", good), {"ptb.train.txt", "line 2", "UTF-8"});
  }
  CHECK(refusal("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\n", "\xc3\xa4\n") == "");

  Folder folder;
  CHECK_THROWS_WITH(Ptb(folder.path), Catch::Matchers::ContainsSubstring("ptb.train.txt: no such file"));
  write(folder, "train", good);
  CHECK_THROWS_WITH(Ptb(folder.path), Catch::Matchers::ContainsSubstring("ptb.valid.txt: no such file"));
  fs::create_directory(folder / "ptb.valid.txt");
  CHECK_THROWS_WITH(Ptb(folder.path), Catch::Matchers::ContainsSubstring("ptb.valid.txt: no such file"));
  fs::resize_file(folder / "ptb.train.txt", (64ull << 20) + 1);  // sparse: costs no disk
  CHECK_THROWS_WITH(Ptb(folder.path), Catch::Matchers::ContainsSubstring("limit"));
}

TEST_CASE("PTB: the synthetic text has the shape of the real one", "[workloads][ptb]") {
  const Ptb ptb = Ptb::synthetic(7, 4000);
  const Ptb::Text& train = ptb.text(PtbSplit::train);
  CHECK(train.words == Ptb::synthetic(7, 4000).text(PtbSplit::train).words);
  CHECK(train.words != Ptb::synthetic(8, 4000).text(PtbSplit::train).words);
  check_says(ptb.data_source(), {"synthetic", "seed 7"});
  CHECK(ptb.vocabulary_size() == 10000);
  REQUIRE(train.sentences() == 4000);
  CHECK(ptb.text(PtbSplit::test).sentences() == 333);
  const double mean = static_cast<double>(train.words.size()) / 4000 - 1;
  CHECK(mean > 20);
  CHECK(mean < 23);
  const int end = ptb.id_of("<eos>");
  for (int64_t n = 0; n < train.sentences(); ++n) {
    const auto from = static_cast<size_t>(train.starts[static_cast<size_t>(n)]),
               to = static_cast<size_t>(train.starts[static_cast<size_t>(n) + 1]);
    REQUIRE(to - from >= 2);
    REQUIRE(to - from <= 83);
    REQUIRE(train.words[to - 1] == end);
    REQUIRE(std::count(train.words.begin() + static_cast<long>(from),
                       train.words.begin() + static_cast<long>(to), end) == 1);
  }
  // Zipf: w1 twice as frequent as w2, ten times as w10.
  const auto share = [&](const char* word) {
    return ptb.frequencies()[static_cast<size_t>(ptb.id_of(word))];
  };
  CHECK(share("w1") / share("w2") == Approx(2).epsilon(0.1));
  CHECK(share("w1") / share("w10") == Approx(10).epsilon(0.2));
  CHECK(std::is_sorted(ptb.frequencies().rbegin(), ptb.frequencies().rend()));
  CHECK(std::accumulate(ptb.frequencies().begin(), ptb.frequencies().end(), 0.0) == Approx(1));
  CHECK(std::isfinite(ptb.unigram(PtbSplit::valid).perplexity));
  CHECK_THROWS_AS(Ptb::synthetic(1, 0), InputError);
}

TEST_CASE("PTB: the real text", "[workloads][data]") {
  const std::string dir = ALERT_SOURCE_DIR "/../shared/data/ptb";
  if (!fs::exists(dir)) {
    WARN("skipped: no " << dir << " (the text may not be distributed)");
    return;
  }
  const Ptb ptb(dir);
  CHECK(ptb.text(PtbSplit::train).words.size() == 929589);
  CHECK(ptb.text(PtbSplit::train).sentences() == 42068);
  CHECK(ptb.text(PtbSplit::valid).words.size() == 73760);
  CHECK(ptb.text(PtbSplit::valid).sentences() == 3370);
  CHECK(ptb.vocabulary_size() == 10000);
  CHECK(ptb.id_of("<unk>") >= 0);
  const auto unigram = ptb.unigram(PtbSplit::valid);
  INFO("unigram: perplexity " << unigram.perplexity << ", accuracy " << unigram.accuracy);
  CHECK(unigram.perplexity > 500);
  CHECK(unigram.perplexity < 1000);
  CHECK(unigram.accuracy == Approx(0.05).margin(0.02));
  for (const NetworkSpec& n : NetworkFile::read(ALERT_SOURCE_DIR "/networks/ptb.json").networks)
    CHECK(n.accuracy.guess_perplexity == Approx(unigram.perplexity).margin(0.005));  // as the file rounds it
}
