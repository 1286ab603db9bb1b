// Questions on texts as a workload, on files that are made here.
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/error.h"
#include "catch.h"
#include "support.h"
#include "workloads/question_answering.h"
#include "workloads/workload_factory.h"

using namespace alertbench;
using nlohmann::json;

namespace {

const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nelbe\nriver\nis\nlong\nhow\n?\n.\na\nb\n";
const std::string rivers = "The Elbe river is long.";

json question(const std::string& id, const std::string& text, const std::string& answer, size_t start) {
  return {{"id", id}, {"question", text}, {"answers", {{{"answer_start", start}, {"text", answer}}}}};
}

// "a b a b ... ": more tokens than a window holds.
std::string long_context() {
  std::string text;
  for (int i = 0; i < 500; ++i) text += i % 2 ? "b " : "a ";
  return text + "elbe";
}

struct Files {
  Files() {
    put(folder / "vocab.txt", vocabulary);
    json paragraphs = {{{"context", rivers}, {"qas", {question("q-short", "How long?", "Elbe river", 4)}}},
                       {{"context", long_context()}, {"qas", {question("q-long", "How", "elbe", 1000)}}},
                       {{"context", u8"\u00ad"}, {"qas", {question("q-empty", "How", u8"\u00ad", 0)}}}};
    put(folder / "dev-v1.1.json",
        json({{"version", "1.1"}, {"data", {{{"paragraphs", paragraphs}}}}}).dump());
  }
  Folder folder;
};

const TokenWindows windows_of(const Workload& workload, int64_t n) {
  return std::get<TokenWindows>(workload.network_input(n, {}));
}

// Of one window of 12 tokens, [CLS] how long ? [SEP] the elbe river is long . [SEP]: an answer of these
// tokens.
std::vector<float> scores_for(size_t first, size_t last) {
  std::vector<float> scores(24, 0.0f);
  scores[first] = scores[12 + last] = 9;
  return scores;
}

}  // namespace

TEST_CASE("questions: their windows, and how many tokens these hold", "[question_answering]") {
  const Files files;
  const auto made = make_workload("squad", files.folder.path, 1);
  const Workload& questions = *made;
  CHECK(questions.name() == "squad");
  CHECK(questions.labelled());
  CHECK(questions.size() == 3);
  CHECK(questions.classes() == 0);
  CHECK(questions.size_unit() == "tokens");
  CHECK(questions.fail_accuracy() == 0);
  CHECK(questions.input_id(1) == "q-long");
  check_says(questions.data_source(), {files.folder.path, "3 questions on 3 paragraphs", "14 word pieces"});
  const Vocabulary v = Vocabulary::read(files.folder / "vocab.txt");

  const TokenWindows one = windows_of(questions, 0);
  REQUIRE(one.windows.size() == 1);
  CHECK(one.windows[0].ids == std::vector<int64_t>{2, 9, 8, 10, 3, 4, 5, 6, 7, 8, 11, 3});
  CHECK(one.windows[0].types == std::vector<int64_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1});
  CHECK(questions.facts(0).size == 12);
  CHECK(questions.facts(0).members_left == 1);

  const TokenWindows several = windows_of(questions, 1);
  const auto expected = squad_windows(v, "How", long_context());
  REQUIRE(expected.size() == 2);
  REQUIRE(several.windows.size() == 2);
  double tokens = 0;
  for (size_t w = 0; w < 2; ++w) {
    CHECK(several.windows[w].ids == expected[w].ids);
    CHECK(several.windows[w].types == expected[w].types);
    tokens += static_cast<double>(expected[w].ids.size());
  }
  CHECK(questions.facts(1).size == tokens);
}

TEST_CASE("questions: judged by the words shared with the right answer", "[question_answering]") {
  const Files files;
  const QuestionAnswering questions(files.folder.path, 1);
  const Correctness right = questions.judge(0, scores_for(6, 7));  // "Elbe river"
  CHECK(right.top1);
  CHECK(right.f1 == 1);
  CHECK_FALSE(right.top5);
  CHECK_FALSE(right.nll);
  const Correctness part =
      questions.judge(0, scores_for(6, 6));  // "Elbe": all of it right, half of the answer
  CHECK_FALSE(part.top1);
  REQUIRE(part.f1);
  CHECK(*part.f1 == Approx(2.0 / 3));
  MeasuredError both(AccuracyUnit::f1);
  both.add(right);
  both.add(part);
  CHECK(*both.error() == Approx(1.0 / 6));
  CHECK(questions.judge(0, scores_for(5, 7)).top1);                 // "The Elbe river": articles do not count
  const Correctness wrong = questions.judge(0, scores_for(9, 10));  // "long."
  CHECK_FALSE(wrong.top1);
  CHECK(wrong.f1 == 0);
  CHECK(questions.judge(0, scores_for(1, 2)).f1.value() < 1);  // the question is no answer

  const Correctness missed = questions.missed(0);
  CHECK_FALSE(missed.top1);
  CHECK(missed.f1 == 0);
  CHECK_FALSE(missed.top5);
  CHECK_FALSE(missed.nll);
}

TEST_CASE("questions: scores go window after window, starts before ends", "[question_answering]") {
  const Files files;
  const QuestionAnswering questions(files.folder.path, 1);
  const TokenWindows input = windows_of(questions, 1);
  const size_t first = input.windows[0].ids.size(), second = input.windows[1].ids.size();
  std::vector<float> scores(2 * (first + second), 0.0f);
  const size_t answer = second - 2;  // the last token before [SEP]: "elbe"
  REQUIRE(input.windows[1].ids[answer] == 5);
  scores[2 * first + answer] = scores[2 * first + second + answer] = 9;
  CHECK(questions.judge(1, scores).top1);
  CHECK(questions.judge(1, scores).f1 == 1);
  std::swap(scores[2 * first + answer], scores[answer]);
  CHECK_FALSE(questions.judge(1, scores).top1);
}

TEST_CASE("questions: scores that are not two a token are an error", "[question_answering]") {
  const Files files;
  const QuestionAnswering questions(files.folder.path, 1);
  for (const size_t count : {0u, 12u, 23u, 25u, 48u}) {
    INFO(count);
    check_says(message_of<RunError>([&] { questions.judge(0, std::vector<float>(count, 0.0f)); }),
               {std::to_string(count) + " scores", "q-short", "expected 24"});
  }
  std::vector<float> scores = scores_for(6, 7);
  scores[3] = std::nanf("");
  CHECK_THROWS_AS(questions.judge(0, scores), RunError);
}

TEST_CASE("questions that are not there, and files that are missing or unfit", "[question_answering]") {
  const Files files;
  const QuestionAnswering questions(files.folder.path, 1);
  for (const int64_t n : {int64_t{-1}, questions.size()}) {
    CHECK_THROWS_AS(questions.facts(n), std::out_of_range);
    CHECK_THROWS_AS(questions.input_id(n), std::out_of_range);
    CHECK_THROWS_AS(questions.network_input(n, {}), std::out_of_range);
    CHECK_THROWS_AS(questions.judge(n, scores_for(6, 7)), std::out_of_range);
  }
  check_says(message_of([&] { questions.facts(2); }),
             {files.folder / "dev-v1.1.json", "q-empty", "no tokens"});

  const auto refusal = [&] { return message_of([&] { make_workload("squad", files.folder.path, 1); }); };
  CHECK(refusal() == "");
  std::filesystem::remove(files.folder / "vocab.txt");
  check_says(refusal(), {files.folder / "vocab.txt"});
  put(files.folder / "vocab.txt", "a\nb\n");
  check_says(refusal(), {files.folder / "vocab.txt", "[PAD]"});
  std::filesystem::remove(files.folder / "dev-v1.1.json");
  check_says(refusal(), {files.folder / "dev-v1.1.json"});
}

TEST_CASE("questions: without a folder they are made up, as long as the real ones", "[question_answering]") {
  const auto made = make_workload("squad", "", 5), again = make_workload("squad", "", 5),
             other = make_workload("squad", "", 6);
  CHECK(made->name() == "synthetic-squad");
  CHECK_FALSE(made->labelled());
  CHECK(made->size() == 10000);
  CHECK(made->input_id(3) == "synthetic/3");
  CHECK(made->data_source() == "synthetic questions, seed 5");
  double sum = 0;
  int outside = 0, differ = 0, same_as_other = 0;
  for (int64_t n = 0; n < made->size(); ++n) {
    const double size = made->facts(n).size;
    sum += size;
    outside += size < 16 || size > 384 || size != std::floor(size);
    differ += size != again->facts(n).size;
    same_as_other += size == other->facts(n).size;
  }
  CHECK(outside == 0);
  CHECK(differ == 0);
  CHECK(same_as_other < 500);
  CHECK(sum / 10000 == Approx(170).epsilon(0.02));

  for (const int64_t n : {0, 17, 9999}) {
    const TokenWindows input = windows_of(*made, n);
    REQUIRE(input.windows.size() == 1);
    const TokenWindow& w = input.windows[0];
    CHECK(w.ids.size() == static_cast<size_t>(made->facts(n).size));
    REQUIRE(w.types.size() == w.ids.size());
    CHECK(w.types.front() == 0);
    CHECK(w.types.back() == 1);
    int special = 0;
    for (const int64_t id : w.ids) special += id < 1000 || id >= 30000;
    CHECK(special == 0);
    CHECK(w.ids == windows_of(*again, n).windows[0].ids);
    CHECK(w.ids != windows_of(*other, n).windows[0].ids);
  }
  CHECK_THROWS_AS(made->facts(10000), std::out_of_range);
  CHECK_THROWS_AS(made->network_input(-1, {}), std::out_of_range);
}
