// Next-word prediction as a workload, on texts that are made here.
#include <cmath>
#include <set>
#include <stdexcept>

#include "base/error.h"
#include "catch.h"
#include "support.h"
#include "workloads/next_word.h"
#include "workloads/workload_factory.h"

using namespace alertbench;
using Catch::Matchers::ContainsSubstring;

namespace {

// By frequency: a 4, then <eos> and b 3 each, c 2, d 1, e 1, <unk> 1: of 15 words.
const std::string train_text = "a a b c d\na b a b <unk>\nc e\n";

struct Text {
  explicit Text(const std::string& valid, const std::string& test = "") {
    put(folder / "ptb.train.txt", train_text);
    put(folder / "ptb.valid.txt", valid);
    if (!test.empty()) put(folder / "ptb.test.txt", test);
  }
  Folder folder;
};

WordInText word_of(const Workload& workload, int64_t n) {
  return std::get<WordInText>(workload.network_input(n, {}));
}

// Sentence k has 1 + k % 3 words before its end.
std::string sentences(int count) {
  std::string text;
  for (int k = 0; k < count; ++k)
    text += std::string("a b c").substr(0, static_cast<size_t>(2 * (k % 3) + 1)) + "\n";
  return text;
}

}  // namespace

TEST_CASE("next word: the words of a sentence, its end among them, share a deadline", "[next_word]") {
  const Text text("a b c\ne\nb zzz\n");  // 4 + 2 + 3 words
  const NextWord words(text.folder.path, 1);
  CHECK(words.name() == "ptb");
  CHECK(words.labelled());
  CHECK(words.size() == 9);
  CHECK(words.classes() == 7);
  CHECK(words.size_unit().empty());
  std::vector<int64_t> left;
  for (int64_t n = 0; n < words.size(); ++n) {
    left.push_back(words.facts(n).members_left);
    CHECK(words.facts(n).size == 1);
  }
  CHECK(left == std::vector<int64_t>{4, 3, 2, 1, 2, 1, 3, 2, 1});
  CHECK(words.input_id(0) == "valid/0: sentence 1, word 1");
  CHECK(words.input_id(3) == "valid/3: sentence 1, word 4");
  CHECK(words.input_id(4) == "valid/4: sentence 2, word 1");
  CHECK(words.input_id(8) == "valid/8: sentence 3, word 3");
  check_says(words.data_source(), {text.folder.path, "9 words of split 'valid'"});
}

TEST_CASE("next word: the test text is taken where there is one", "[next_word]") {
  const Text text("a\n", "b b\n");
  const NextWord words(text.folder.path, 1);
  CHECK(words.size() == 3);
  CHECK(words.input_id(2) == "test/2: sentence 1, word 3");
  check_says(words.data_source(), {"3 words of split 'test'"});
}

TEST_CASE("next word: a network reads the words before, behind an end of sentence", "[next_word]") {
  const Text text(sentences(250));
  const NextWord words(text.folder.path, 1);
  const Ptb ptb(text.folder.path);
  const Ptb::Text& valid = ptb.text(PtbSplit::valid);
  REQUIRE(words.size() == static_cast<int64_t>(valid.words.size()));
  const std::vector<int32_t>* read = word_of(words, 0).words;
  REQUIRE(read);
  REQUIRE(read->size() == valid.words.size());
  CHECK((*read)[0] == ptb.id_of("<eos>"));
  CHECK(std::vector<int32_t>(read->begin() + 1, read->end()) ==
        std::vector<int32_t>(valid.words.begin(), valid.words.end() - 1));

  int wrong = 0;
  for (int64_t sentence = 0; sentence < 250; ++sentence)
    for (int64_t n = valid.starts[static_cast<size_t>(sentence)];
         n < valid.starts[static_cast<size_t>(sentence) + 1]; ++n) {
      const WordInText word = word_of(words, n);
      wrong += word.words != read || word.position != n ||
               word.begin != valid.starts[static_cast<size_t>(sentence / 100 * 100)];
    }
  CHECK(wrong == 0);
}

TEST_CASE("next word: a run is consecutive, begins at a passage and goes on at the front", "[next_word]") {
  const Text text(sentences(250));
  const NextWord words(text.folder.path, 1);
  const Ptb ptb(text.folder.path);
  const std::vector<int64_t>& starts = ptb.text(PtbSplit::valid).starts;
  std::set<int64_t> firsts;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto order = words.order(words.size() + 5, seed);
    REQUIRE(order.size() == static_cast<size_t>(words.size()) + 5);
    firsts.insert(order[0]);
    int wrong = 0;
    for (size_t i = 1; i < order.size(); ++i) wrong += order[i] != (order[i - 1] + 1) % words.size();
    CHECK(wrong == 0);
    CHECK(words.order(3, seed) == std::vector<int64_t>(order.begin(), order.begin() + 3));
  }
  CHECK(firsts == std::set<int64_t>{starts[0], starts[100], starts[200]});
  CHECK(words.order(0, 1).empty());
}

TEST_CASE("next word: judged by rank and by the probability given to the word that came", "[next_word]") {
  const Text text("c\n");  // c is id 3, <eos> id 1
  const NextWord words(text.folder.path, 1);
  const Ptb ptb(text.folder.path);
  REQUIRE(ptb.id_of("c") == 3);
  REQUIRE(ptb.id_of("<eos>") == 1);
  std::vector<float> scores(7);
  const std::vector<double> probabilities{0.3, 0.25, 0.05, 0.2, 0.1, 0.06, 0.04};
  for (size_t i = 0; i < 7; ++i) scores[i] = static_cast<float>(std::log(probabilities[i]));
  const Correctness c = words.judge(0, scores);
  CHECK_FALSE(c.top1);
  CHECK(c.top5 == true);
  REQUIRE(c.nll);
  CHECK(*c.nll == Approx(-std::log(0.2)));
  CHECK_FALSE(c.f1);
  CHECK(c.guess_nll == words.missed(0).nll);

  scores[3] = -0.1f;
  CHECK(words.judge(0, scores).top1);
  scores[3] = -9;
  CHECK(words.judge(0, scores).top5 == false);
  CHECK(words.judge(0, scores).nll == 9);
  CHECK(words.judge(1, scores).nll == Approx(-std::log(0.25)));
  CHECK_THROWS_AS(words.judge(0, {0.0f, 0.0f}), std::out_of_range);  // fewer scores than words
}

TEST_CASE("next word: a miss counts as the words' shares of the training text", "[next_word]") {
  const Text text("a e\nzzz c\n");  // ids 0, 5, 1; 4 (<unk>), 3, 1
  const NextWord words(text.folder.path, 1);
  const Ptb ptb(text.folder.path);
  const std::vector<std::string> came = {"a", "e", "<eos>", "<unk>", "c", "<eos>"};
  for (int64_t n = 0; n < words.size(); ++n) {
    const int id = ptb.id_of(came[static_cast<size_t>(n)]);
    const Correctness c = words.missed(n);
    INFO(came[static_cast<size_t>(n)] << " " << id);
    CHECK(c.top1 == (id == 0));
    CHECK(c.top5 == (id < 5));
    REQUIRE(c.nll);
    CHECK(*c.nll == Approx(-std::log(ptb.frequencies()[static_cast<size_t>(id)])));
    CHECK(c.guess_nll == c.nll);
    CHECK_FALSE(c.f1);
  }
  CHECK(words.missed(0).top1);
  CHECK(*words.missed(0).nll == Approx(std::log(15 / 4.0)));
  CHECK(words.fail_accuracy() == 0);
}

TEST_CASE("next word: what misses count as on the whole is the perplexity and accuracy of the shares",
          "[next_word]") {
  const Text text(sentences(30) + "d e\n");
  const NextWord words(text.folder.path, 1);
  double nll = 0, right = 0;
  MeasuredError misses(AccuracyUnit::language_quality);
  for (int64_t n = 0; n < words.size(); ++n) {
    nll += *words.missed(n).nll, right += words.missed(n).top1;
    misses.add(words.missed(n));
  }
  const auto unigram = Ptb(text.folder.path).unigram(PtbSplit::valid);
  CHECK(std::exp(nll / static_cast<double>(words.size())) == Approx(unigram.perplexity));
  CHECK(right / static_cast<double>(words.size()) == Approx(unigram.accuracy));
  CHECK(1 - *misses.error() == words.fail_accuracy());
}

TEST_CASE("next word: words that are not there", "[next_word]") {
  const Text text("a b\n");
  const NextWord words(text.folder.path, 1);
  for (const int64_t n : {int64_t{-1}, words.size()}) {
    CHECK_THROWS_AS(words.facts(n), std::out_of_range);
    CHECK_THROWS_AS(words.input_id(n), std::out_of_range);
    CHECK_THROWS_AS(words.network_input(n, {}), std::out_of_range);
    CHECK_THROWS_AS(words.judge(n, std::vector<float>(7)), std::out_of_range);
    CHECK_THROWS_AS(words.missed(n), std::out_of_range);
  }
  check_says(message_of([&] { make_workload("ptb", text.folder / "none", 1); }),
             {text.folder / "none", "ptb.train.txt"});
}

TEST_CASE("next word: without a folder the text is made up, and has no labels", "[next_word]") {
  const auto made = make_workload("ptb", "", 7);
  CHECK(made->name() == "synthetic-ptb");
  CHECK_FALSE(made->labelled());
  CHECK(made->classes() == 10000);
  check_says(made->data_source(), {"synthetic", "seed 7"});
  const Ptb ptb = Ptb::synthetic(7);
  CHECK(made->size() == static_cast<int64_t>(ptb.text(PtbSplit::test).words.size()));
  const WordInText word = word_of(*made, 1);
  CHECK((*word.words)[1] == ptb.text(PtbSplit::test).words[0]);
  int wrong = 0;
  for (int64_t n = 1; n < made->size(); ++n) {
    const int64_t before = made->facts(n - 1).members_left, now = made->facts(n).members_left;
    wrong += before > 1 ? now != before - 1 : now < 2;
  }
  CHECK(wrong == 0);
  CHECK(made->facts(made->size() - 1).members_left == 1);
}
