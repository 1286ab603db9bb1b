// SQuAD: the file, the tokens, the windows and the measure. With ../shared/data/squad beside the repository
// the published predictions are scored too.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "support.h"
#include "workloads/squad.h"
#include "workloads/squad_score.h"
#include "workloads/squad_windows.h"
#include "workloads/wordpiece.h"

using namespace alertbench;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> vocabulary_words = {
    "[PAD]",      "[UNK]",      "[CLS]", "[SEP]", "un", "##aff", "##able",     "a",
    "b",          "c",          "d",     "##d",   "'",  ".",     "e",          "cafe",
    "##s",        "who",        "[",     "]",     "cl", "1",     u8"\u4e2d",   u8"\u1112",
    u8"##\u1161", u8"##\u11ab", "f",     "g",     "h",  "##a",   u8"##\u302e", u8"##\U0001d165"};

Vocabulary squad_vocabulary() {
  std::string text;
  for (const auto& word : vocabulary_words) text += word + "\n";
  return Vocabulary::read(TemporaryFile(text).path);
}

std::string pieces(const std::string& text) {
  static const Vocabulary v = squad_vocabulary();
  std::string result;
  for (const Token& token : tokenize(v, text))
    result += (result.empty() ? "" : " ") + vocabulary_words[static_cast<size_t>(token.id)];
  return result;
}

// What the text has at the spans of its tokens, between bars.
std::string spans(const std::string& text) {
  static const Vocabulary v = squad_vocabulary();
  std::string result;
  for (const Token& token : tokenize(v, text))
    result += "|" + text.substr(token.span.begin, token.span.end - token.span.begin);
  return result;
}

std::string vocabulary_refusal(const std::string& text) {
  const TemporaryFile file(text);
  try {
    Vocabulary::read(file.path);
  } catch (const InputError& e) {
    const std::string message = e.what();
    return message.substr(0, file.path.size()) == file.path ? message.substr(file.path.size())
                                                            : "no path: " + message;
  }
  return "";
}

json squad() {
  return json::parse(
      u8R"({"version": "1.1", "data": [{"title": "Rivers", "paragraphs": [
    {"context": "Caf\u00e9 \ud83d\ude00: the Elbe is 1,094 km long.", "qas": [
      {"id": "q1", "question": "How long?", "answers": [{"answer_start": 20, "text": "1,094 km"}, {"answer_start": 20, "text": "1,094"}]},
      {"id": "q2", "question": "Which?", "answers": [{"answer_start": 8, "text": "the Elbe"}]}]},
    {"context": "Empty.", "qas": []}]},
    {"paragraphs": [{"context": "One. Two.", "qas": [{"id": "q3", "question": "?", "answers": [{"answer_start": 5, "text": "Two."}]}]}]}]})");
}

std::string squad_refusal(const std::string& bytes) {
  const TemporaryFile file(bytes);
  try {
    SquadData::read(file.path);
  } catch (const InputError& e) {
    const std::string message = e.what();
    return message.substr(0, file.path.size()) == file.path ? message.substr(file.path.size())
                                                            : "no path: " + message;
  }
  return "";
}

std::string squad_refusal(const std::string& pointer, const json& value) {
  json changed = squad();
  changed[json::json_pointer(pointer)] = value;
  return squad_refusal(changed.dump());
}

SquadQuestion answered(const std::vector<std::string>& answers) {
  SquadQuestion question;
  for (const auto& answer : answers) question.answers.push_back({answer, 0});
  return question;
}

double f1(const std::string& prediction, const std::string& truth) {
  return score_squad_answer(prediction, answered({truth})).f1;
}

bool exact(const std::string& prediction, const std::string& truth) {
  return score_squad_answer(prediction, answered({truth})).exact;
}

}  // namespace

TEST_CASE("words become the longest pieces of the vocabulary, or [UNK]", "[squad]") {
  CHECK(pieces("unaffable") == "un ##aff ##able");
  CHECK(pieces("  UnAffable\tA\nb\r") == "un ##aff ##able a b");
  CHECK(pieces("xyz a unx") == "[UNK] a [UNK]");
  CHECK(pieces("") == "");
  CHECK(pieces(" \n ") == "");
  CHECK(pieces("b" + std::string(99, 'd')).substr(0, 5) == "b ##d");
  CHECK(pieces("b" + std::string(100, 'd') + " a") == "[UNK] a");
}

TEST_CASE("punctuation and CJK characters stand alone, special tokens are text", "[squad]") {
  CHECK(pieces("a'b.c") == "a ' b . c");
  CHECK(pieces(u8"a\u4e2db") == u8"a \u4e2d b");
  CHECK(pieces("[CLS]") == "[ cl ##s ]");
  CHECK(pieces("[SEP]") == "[ [UNK] ]");
  CHECK(pieces(u8"a\u2014b") == "a [UNK] b");
}

TEST_CASE("accents and control characters go, other white space splits", "[squad]") {
  CHECK(pieces(u8"CAF\u00c9 cafe\u0301") == "cafe cafe");
  CHECK(pieces(u8"ca\u00adfe\u200b\ufffd") == "cafe");
  CHECK(pieces(std::string("a\0\x1f", 3) + "d") == "a ##d");
  CHECK(pieces(u8"a\u00a0b\u2028c\u3000d") == "a b c d");
  CHECK(pieces(u8"\u0301") == "");
}

TEST_CASE("characters are taken as the package tokenizers takes them", "[squad]") {
  const std::string special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  const Vocabulary v = Vocabulary::read(
      TemporaryFile(special + u8"\u03bf\u03c3\n\u03bf\u03c2\n\U0002B820\n\U0002B920\n\u2e42\n\u2e43\na\n")
          .path);
  const auto ids = [&v](const std::string& text) {
    std::vector<int64_t> all;
    for (const Token& t : tokenize(v, text)) all.push_back(t.id);
    return all;
  };
  using Ids = std::vector<int64_t>;
  CHECK(ids(u8"\u039f\u03a3") == Ids{4});                  // no final sigma
  CHECK(ids(u8"\u03bf\u03c2") == Ids{5});                  // unless the text has it
  CHECK(ids(u8"a\ue000\U000F0000\U0010FFFD") == Ids{10});  // private
  CHECK(ids(u8"\U0002B920a") == Ids{7, 10});               // CJK
  CHECK(ids(u8"\U0002B820a") == Ids{1});                   // no CJK there
  CHECK(ids(u8"\u2e42a") == Ids{8, 10});                   // punctuation since Unicode 7
  CHECK(ids(u8"\u2e43a") == Ids{1});                       // since Unicode 9
  CHECK(ids(u8"a\u0359") == Ids{10});                      // accent
  CHECK(ids(u8"a\u1734") == Ids{10});                      // no accent since Unicode 14
  CHECK(ids(u8"a\u1df6") == Ids{1});                       // since Unicode 10
}

TEST_CASE("tokens know where the text has them, with their accents", "[squad]") {
  CHECK(spans(" unaffable, A") == "|un|aff|able|,|A");
  CHECK(spans(u8"\U0001F600 CAF\u00c9s cafe\u0301.") == u8"|\U0001F600|CAF\u00c9|s|cafe\u0301|.");
  CHECK(spans(u8"ca\u00adfe") == u8"|ca\u00adfe");
  CHECK(spans(u8"a\u4e2db") == u8"|a|\u4e2d|b");
  CHECK(spans("xyz'") == "|xyz|'");
  CHECK(pieces(u8"\ud55c") == u8"\u1112 ##\u1161 ##\u11ab");
  CHECK(spans(u8"\ud55c") == u8"|\ud55c|\ud55c|\ud55c");
  CHECK_THROWS_WITH(pieces("abc\xff"), ContainsSubstring("byte 3"));
}

TEST_CASE("marks that are no accents come in NFD's order, and answers with them are whole", "[squad]") {
  const std::string text = u8"a\u302e\U0001d165";  // combining classes 224 and 216
  CHECK(pieces(text) == u8"a ##\U0001d165 ##\u302e");
  CHECK(spans(text) == u8"|a|\U0001d165|\u302e");
  const auto windows = squad_windows(squad_vocabulary(), "", text);  // [CLS] [SEP] a, the marks, [SEP]
  REQUIRE(windows.size() == 1);
  CHECK(squad_answer(text, windows, {{{0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 1, 0}}}) == u8"\u302e\U0001d165");
}

TEST_CASE("a vocabulary is its lines", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  CHECK(v.size() == vocabulary_words.size());
  CHECK(v.pad() == 0);
  CHECK(v.unknown() == 1);
  CHECK(v.cls() == 2);
  CHECK(v.sep() == 3);
  CHECK(v.find("##able") == 6);
  CHECK(v.find("able") == -1);
  CHECK(Vocabulary::read(TemporaryFile("[UNK]\r\n[PAD]\r\n[SEP]\r\n[CLS]").path).cls() == 3);
}

TEST_CASE("a vocabulary has blank lines, byte order marks and white space other than blanks", "[squad]") {
  const auto read = [](const std::string& text) { return Vocabulary::read(TemporaryFile(text).path); };
  const Vocabulary v = read("\xEF\xBB\xBF[PAD]\n\n[UNK]\n[CLS]\n\xE2\x80\xA8\n\xC2\xA0\n[SEP]\n\n");
  CHECK(v.size() == 8);
  CHECK(v.pad() == 0);
  CHECK(v.unknown() == 2);
  CHECK(v.find("\xE2\x80\xA8") == 4);
  CHECK(v.sep() == 6);
  CHECK(v.find("") == -1);
}

TEST_CASE("a cased vocabulary keeps case and accents", "[squad]") {
  const std::string special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  const Vocabulary cased =
      Vocabulary::read(TemporaryFile(special + u8"The\nthe\ncaf\u00e9\ncafe\n##S\n").path);
  CHECK(cased.cased());
  const auto ids = [](const Vocabulary& v, const std::string& text) {
    std::vector<int64_t> all;
    for (const Token& t : tokenize(v, text)) all.push_back(t.id);
    return all;
  };
  CHECK(ids(cased, u8"The the caf\u00e9 theS THE") == std::vector<int64_t>{4, 5, 6, 5, 8, 1});
  const Vocabulary uncased = Vocabulary::read(TemporaryFile(special + u8"the\ncafe\n##s\n").path);
  CHECK_FALSE(uncased.cased());
  CHECK(ids(uncased, u8"The caf\u00e9 theS") == std::vector<int64_t>{4, 5, 4, 6});
  std::string mostly_lower = special;  // one capital in more than a hundred pieces is an accident
  for (int i = 0; i < 120; ++i) mostly_lower += "w" + std::to_string(i) + "\n";
  CHECK_FALSE(Vocabulary::read(TemporaryFile(mostly_lower + "C\n").path).cased());
}

TEST_CASE("an unusable vocabulary is refused, with the line", "[squad]") {
  CHECK_THAT(vocabulary_refusal(""), ContainsSubstring("is empty"));
  CHECK_THAT(vocabulary_refusal("[PAD]\na\nb\na\n"),
             ContainsSubstring("line 4: duplicate word piece \"a\", first in line 2"));
  CHECK_THAT(vocabulary_refusal("[PAD]\na b\n"), ContainsSubstring("line 2: \"a b\" contains white space"));
  CHECK_THAT(vocabulary_refusal("[PAD]\n\xff\n"), ContainsSubstring("line 2: byte 0 (0xff) is not UTF-8"));
  CHECK_THAT(vocabulary_refusal("[PAD]\n" + std::string(1001, 'a')), ContainsSubstring("line 2: 1001 bytes"));
  CHECK_THAT(vocabulary_refusal("[PAD]\n[UNK]\n[CLS]\n"), ContainsSubstring("no line [SEP]"));
  CHECK_THAT(vocabulary_refusal(std::string((16 << 20) + 1, 'a')),
             ContainsSubstring("limit of 16777216 bytes"));
}

TEST_CASE("questions share their context, and answers are found in it by characters", "[squad]") {
  const SquadData data = SquadData::read(TemporaryFile(squad().dump()).path);
  REQUIRE(data.questions.size() == 3);
  REQUIRE(data.contexts.size() == 3);
  CHECK(data.questions[0].id == "q1");
  CHECK(data.questions[0].question == "How long?");
  CHECK(data.questions[0].context == data.questions[1].context);
  CHECK(data.contexts[data.questions[2].context] == "One. Two.");
  REQUIRE(data.questions[0].answers.size() == 2);
  for (const SquadQuestion& question : data.questions)
    for (const SquadAnswer& answer : question.answers)
      CHECK(data.contexts[question.context].substr(answer.begin.value(), answer.text.size()) == answer.text);
  CHECK(data.misplaced_answers == 0);
  CHECK(data.questions[1].answers[0].begin == 12);  // 8 characters, one of two bytes and one of four
}

TEST_CASE("the articles of a file can be parted, and written as files of their own", "[squad]") {
  json file = squad();
  file["data"].push_back({{"title", 7}, {"paragraphs", json::array()}, {"note", "kept"}});
  const TemporaryFile whole(file.dump());
  const SquadData data = SquadData::read(whole.path);
  CHECK(data.articles == std::vector<std::string>{"Rivers", "", ""});
  CHECK(data.questions[1].article == 0);
  CHECK(data.questions[2].article == 1);
  const SquadData first = data.of_articles(0, 1), others = data.of_articles(1, 3);
  REQUIRE(first.questions.size() == 2);
  CHECK(first.contexts.size() == 1);  // that of a paragraph without questions goes
  REQUIRE(others.questions.size() == 1);
  CHECK(others.contexts[others.questions[0].context] == "One. Two.");
  CHECK(others.questions[0].answers[0].begin == 5);
  CHECK(data.of_articles(2, 3).questions.empty());

  const TemporaryFile part("");
  write_squad_articles(whole.path, 1, 3, part.path);
  json wanted = file;
  wanted["data"].erase(0);
  std::ifstream written(part.path);
  CHECK(json::parse(written) == wanted);
  CHECK(SquadData::read(part.path).questions[0].id == "q3");
}

TEST_CASE("an unusable SQuAD file is refused, with the place", "[squad]") {
  REQUIRE(squad_refusal(squad().dump()) == "");
  const std::string qas = "/data/0/paragraphs/0/qas/", where = ": data[0].paragraphs[0].qas[0]";
  CHECK_THAT(squad_refusal(""), ContainsSubstring("line 1: not valid JSON"));
  CHECK_THAT(squad_refusal(squad().dump(1).substr(0, 200)), ContainsSubstring("not valid JSON"));
  CHECK_THAT(squad_refusal("{\"data\": \"\xff\"}"), ContainsSubstring("not valid JSON"));
  CHECK_THAT(squad_refusal("{\"data\": [\"\\ud800\"]}"), ContainsSubstring("not valid JSON"));
  CHECK_THAT(squad_refusal("[]"), ContainsSubstring(": expected an object, found array"));
  CHECK_THAT(squad_refusal("{}"), ContainsSubstring("data: is missing"));
  CHECK_THAT(squad_refusal("{\"data\": []}"), ContainsSubstring("no questions"));
  CHECK_THAT(squad_refusal("/data", 3), ContainsSubstring("data: expected a list, found number"));
  CHECK_THAT(squad_refusal("/data/0", "x"), ContainsSubstring(": data[0]: expected an object, found string"));
  CHECK_THAT(squad_refusal("/data/0/paragraphs/0", json::object()),
             ContainsSubstring(": data[0].paragraphs[0]: context: is missing"));
  CHECK_THAT(squad_refusal("/data/0/paragraphs/0/context", nullptr),
             ContainsSubstring("context: expected a string, found null"));
  CHECK_THAT(squad_refusal(qas + "0/id", 7),
             ContainsSubstring(where + ": id: expected a string, found number"));
  CHECK_THAT(squad_refusal(qas + "0/question", json::array()),
             ContainsSubstring(where + ": question \"q1\": question: expected a string"));
  CHECK_THAT(squad_refusal(qas + "1/id", "q1"),
             ContainsSubstring("data[0].paragraphs[0].qas[1]: duplicate id \"q1\", first at ") &&
                 ContainsSubstring("qas[0]"));
  CHECK_THAT(squad_refusal("/data/1/paragraphs/0/qas/0/id", "q2"), ContainsSubstring("duplicate id"));
  CHECK_THAT(squad_refusal(qas + "0/answers", json::array()),
             ContainsSubstring("question \"q1\": answers: is empty") && ContainsSubstring("v2.0"));
  CHECK_THAT(squad_refusal("/data/0/paragraphs/0/context", std::string((1 << 20) + 1, 'a')),
             ContainsSubstring("limit of 1048576"));
}

TEST_CASE("an answer that is not at its answer_start is counted, and judged by its text", "[squad]") {
  const auto misplaced = [](const std::string& pointer, const json& value) {
    json file = squad();
    file[json::json_pointer("/data/0/paragraphs/0/qas/0/answers/1" + pointer)] = value;
    const SquadData data = SquadData::read(TemporaryFile(file.dump()).path);
    CHECK(data.questions[0].answers[1].begin.has_value() == (data.misplaced_answers == 0));
    return data.misplaced_answers;
  };
  CHECK(misplaced("/answer_start", 20) == 0);
  CHECK(misplaced("/text", "1,095") == 1);
  CHECK(misplaced("/text", "1,094 km long. And more") == 1);
  for (const json& start :
       {json(24), json(-1), json(20.5), json(35), json(18446744073709551615u), json("20"), json(nullptr)})
    CHECK(misplaced("/answer_start", start) == 1);
  json file = squad();
  file["data"][0]["paragraphs"][0]["qas"][0]["answers"][1].erase("answer_start");
  const SquadData data = SquadData::read(TemporaryFile(file.dump()).path);
  CHECK(data.misplaced_answers == 1);
  CHECK(score_squad_answer("1,094", data.questions[0]).exact);
  CHECK_THAT(squad_refusal("/data/0/paragraphs/0/qas/0/answers/1/text", ""),
             ContainsSubstring("question \"q1\": answers[1]: text: is empty"));
}

TEST_CASE("a SQuAD file that is made to exhaust memory is refused", "[squad]") {
  CHECK_THAT(squad_refusal(std::string(1000000, '[') + std::string(1000000, ']')),
             ContainsSubstring("nested too deeply: more than 16 levels"));
  std::string many = "[0";
  for (int i = 0; i < 4000000; ++i) many += ",0";
  CHECK_THAT(squad_refusal(many + "]"), ContainsSubstring("more than 4000000 JSON values"));
  CHECK(squad_refusal("[\"" + std::string(2000000, 'a')).size() < 500);
}

TEST_CASE("predictions are an object of texts", "[squad]") {
  const SquadPredictions predictions =
      read_squad_predictions(TemporaryFile("{\"q1\": \"x\", \"q2\": \"\"}").path);
  CHECK(predictions == SquadPredictions{{"q1", "x"}, {"q2", ""}});
  CHECK_THAT(message_of([] { read_squad_predictions(TemporaryFile("{\"q1\": \"x\", \"q1\": \"y\"}").path); }),
             ContainsSubstring("duplicate key \"q1\""));
  CHECK_THROWS_WITH(read_squad_predictions(TemporaryFile("{\"q1\": 1956}").path),
                    ContainsSubstring("answer to question \"q1\": expected a string"));
  CHECK_THROWS_WITH(read_squad_predictions(TemporaryFile("[]").path),
                    ContainsSubstring("expected an object"));
  CHECK_THROWS_AS(read_squad_predictions(TemporaryFile("{\"q1\": \"x\"").path), InputError);
}

TEST_CASE("a short context is one window", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const std::string context = u8"Unaffable caf\u00e9.";
  const auto windows = squad_windows(v, "Who a?", context);
  REQUIRE(windows.size() == 1);
  const SquadWindow& w = windows[0];
  CHECK(w.ids == std::vector<int64_t>{2, 17, 7, 1, 3, 4, 5, 6, 15, 13, 3});
  CHECK(w.types == std::vector<int64_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  CHECK(w.piece_begin == 5);
  REQUIRE(w.spans.size() == 5);
  CHECK(context.substr(w.spans[3].begin, w.spans[3].end - w.spans[3].begin) == u8"caf\u00e9");
  CHECK(w.max_context == std::vector<bool>(5, true));
  CHECK(squad_windows(v, "who", "").empty());
}

TEST_CASE("a long context is cut into overlapping windows, and each token belongs to one", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const std::string context = "a b c d e f g h";
  const auto windows = squad_windows(v, "who a b", context, {8, 2, 1});  // 4 tokens of the context a window
  REQUIRE(windows.size() == 3);
  CHECK(windows[0].ids == std::vector<int64_t>{2, 17, 3, 7, 8, 9, 10, 3});
  CHECK(windows[1].ids == std::vector<int64_t>{2, 17, 3, 9, 10, 14, 26, 3});
  CHECK(windows[2].ids == std::vector<int64_t>{2, 17, 3, 14, 26, 27, 28, 3});
  // c has one neighbour on its shorter side in the first window, none in the second; d none, and one.
  CHECK(windows[0].max_context == std::vector<bool>{true, true, true, false});
  CHECK(windows[1].max_context == std::vector<bool>{false, true, true, false});
  CHECK(windows[2].max_context == std::vector<bool>{false, true, true, true});
}

TEST_CASE("of equal windows the first has a token, and a stride beyond the window leaves nothing out",
          "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const auto equal =
      squad_windows(v, "who", "a b c d", {7, 1, 1});  // 3 tokens: abc bcd; b: 1 and 0, c: 0 and 1
  REQUIRE(equal.size() == 2);
  CHECK(equal[0].max_context == std::vector<bool>{true, true, false});
  CHECK(equal[1].max_context == std::vector<bool>{false, true, true});
  const auto tied = squad_windows(v, "who", "a b c", {6, 1, 1});  // 2 tokens: ab bc; b: 0 and 0
  REQUIRE(tied.size() == 2);
  CHECK(tied[0].max_context == std::vector<bool>{true, true});
  CHECK(tied[1].max_context == std::vector<bool>{false, true});
  const auto apart = squad_windows(v, "who", "a b c d e", {6, 100, 1});
  REQUIRE(apart.size() == 3);
  for (const auto& window : apart) CHECK(window.max_context == std::vector<bool>(window.spans.size(), true));
  CHECK_THROWS_AS(squad_windows(v, "who", "a", {4, 1, 1}), InputError);
  CHECK_THROWS_AS(squad_windows(v, "who", "a", {384, 0, 64}), InputError);
  CHECK_THROWS_AS(squad_windows(v, "who", "a", {384, 128, 0}), InputError);
}

TEST_CASE("the answer is the span with the greatest sum of scores, as the context has it", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const std::string context = u8"A  Caf\u00e9 unaffable.";
  const auto windows = squad_windows(v, "who", context);  // [CLS] who [SEP] a cafe un ##aff ##able . [SEP]
  REQUIRE(windows.size() == 1);
  SquadLogits logits;
  logits.start = {9, 9, 9, 1, 3, 2, 0, 0, 0, 9};
  logits.end = {9, 9, 9, 5, 0, 0, 0, 4, 0, 9};
  CHECK(squad_answer(context, windows, {logits}) ==
        u8"Caf\u00e9 unaffable");  // 3 + 4; "a" has 6; 3 + 5 is backwards
  CHECK(squad_answer(context, windows, {logits}, {20, 3}) == "unaffable");  // 2 + 4 comes before 1 + 5
  CHECK(squad_answer(context, windows, {logits}, {20, 1}) == "A");
  CHECK(squad_answer(context, windows, {logits}, {4, 30}) == "");  // the four best of start and end: no span
  logits.start[3] = 0;
  CHECK(squad_answer(context, windows, {logits}, {20, 3}) == "unaffable");
  CHECK(squad_answer(context, {}, {}) == "");
}

TEST_CASE("the answer starts where its window shows most around it", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const std::string context = "a b c d e f g h";
  const auto windows = squad_windows(v, "who", context, {8, 2, 1});
  REQUIRE(windows.size() == 3);
  const SquadLogits flat{std::vector<float>(8, 0), std::vector<float>(8, 0)};
  std::vector<SquadLogits> logits(3, flat);
  logits[0].start[6] = 5;  // d is not the first window's
  logits[0].end[6] = 5;
  logits[1].start[4] = 2;  // it is the second's
  logits[1].end[6] = 2;    // f's end counts in any window
  CHECK(squad_answer(context, windows, logits) == "a b c d");
  logits[0].end[6] = 0;
  CHECK(squad_answer(context, windows, logits) == "d e f");
}

TEST_CASE("a network's scores are those of its windows, one after the other", "[squad]") {
  SquadWindow two, one;
  two.ids = {1, 2};
  one.ids = {3};
  const auto logits = squad_logits("q", {two, one}, {1, 2, 3, 4, 5, 6});
  REQUIRE(logits.size() == 2);
  CHECK(logits[0].start == std::vector<float>{1, 2});
  CHECK(logits[0].end == std::vector<float>{3, 4});
  CHECK(logits[1].start == std::vector<float>{5});
  CHECK(logits[1].end == std::vector<float>{6});
  CHECK_THROWS_WITH(squad_logits("q", {two, one}, {1, 2, 3, 4, 5}),
                    ContainsSubstring("5 scores for 2 windows, expected 6"));
}

TEST_CASE("scores that are not finite, or not one a token, are an error", "[squad]") {
  const Vocabulary v = squad_vocabulary();
  const auto windows = squad_windows(v, "who", "a");
  SquadLogits logits{std::vector<float>(5, 0), std::vector<float>(5, 0)};
  CHECK(squad_answer("a", windows, {logits}) == "a");
  CHECK_THROWS_AS(squad_answer("a", windows, {}), RunError);
  logits.end[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(squad_answer("a", windows, {logits}),
                    ContainsSubstring("window 0") && ContainsSubstring("nan"));
  logits.end.pop_back();
  CHECK_THROWS_WITH(squad_answer("a", windows, {logits}), ContainsSubstring("4 scores for 5 tokens"));
}

TEST_CASE("answers are compared without case, punctuation, articles and white space", "[squad]") {
  using Parts = std::vector<std::u32string>;
  CHECK(squad_words("The  Elbe, an\tAnt & a_b!") == Parts{U"elbe", U"ant", U"ab"});
  CHECK(squad_words("the-a-an") == Parts{U"theaan"});  // punctuation goes first
  CHECK(squad_words(u8"a\u2013an the\u2019s") == Parts{U"\u2013", U"\u2019s"});
  CHECK(squad_words(u8"the\u0301 th\u00e9") == Parts{U"\u0301", U"th\u00e9"});
  CHECK(squad_words("a a the then Bathe") == Parts{U"then", U"bathe"});
  CHECK(squad_words(u8"x\u00a0y\u2028z") == Parts{U"x", U"y", U"z"});
  CHECK(squad_words("The, a.").empty());
  CHECK(exact("the ELBE.", "Elbe"));
  CHECK_FALSE(exact("Elbe river", "Elbe"));
  CHECK(exact("", "the"));
  CHECK_THROWS_AS(squad_words("\xff"), InputError);
}

TEST_CASE("F1 is that of bags of words, the best over the right answers", "[squad]") {
  CHECK(f1("the Elbe", "Elbe") == 1);
  CHECK(f1("x", "y") == 0);
  CHECK(f1("", "the") == 0);                 // as the script: nothing in common
  CHECK(f1("x x y", "x z") == Approx(0.4));  // 1/3 and 1/2
  CHECK(f1("x x", "x x y") == Approx(0.8));  // 1 and 2/3
  const SquadQuestionScore score = score_squad_answer("x y", answered({"z", "x", "x y z"}));
  CHECK_FALSE(score.exact);
  CHECK(score.f1 == Approx(0.8));
  CHECK(score_squad_answer("x", answered({"y", "X"})).exact);
}

TEST_CASE("means are over all questions, and one without a prediction counts as wrong", "[squad]") {
  const SquadData data = SquadData::read(TemporaryFile(squad().dump()).path);
  const SquadScore score = score_squad(data, {{"q1", "1,094"}, {"q3", "One. Two"}, {"other", "x"}});
  CHECK(score.missing == 1);
  CHECK(score.exact_match == Approx(100.0 / 3));
  CHECK(score.f1 == Approx(100.0 * (1 + 2.0 / 3) / 3));
  REQUIRE(score.questions.size() == 3);
  CHECK(score.questions[0].exact);
  CHECK_FALSE(score.questions[1].answered);
  CHECK(score.questions[2].f1 == Approx(2.0 / 3));
}

TEST_CASE("a published system's answers get the official figures", "[squad]") {
  const fs::path folder = fs::path(ALERT_SOURCE_DIR) / "../shared/data/squad";
  if (!fs::exists(folder / "dev-v1.1.json")) {
    WARN("skipped: " << folder.string() << " is not there");
    return;
  }
  const SquadData data = SquadData::read((folder / "dev-v1.1.json").string());
  const SquadScore score =
      score_squad(data, read_squad_predictions((folder / "predictions-logistic-regression.json").string()));
  CHECK(data.questions.size() == 8749);
  CHECK(score.missing == 12);
  CHECK(score.exact_match == 39.77597439707395);
  CHECK(score.f1 == 50.51399149194125);
}

TEST_CASE("real contexts: the count of their tokens, and right answers come back from perfect scores",
          "[squad]") {
  const fs::path folder = fs::path(ALERT_SOURCE_DIR) / "../shared/data/squad";
  if (!fs::exists(folder / "vocab.txt")) {
    WARN("skipped: " << folder.string() << " is not there");
    return;
  }
  const Vocabulary v = Vocabulary::read((folder / "vocab.txt").string());
  const SquadData data = SquadData::read((folder / "dev-v1.1.json").string());
  size_t tokens = 0;
  for (const auto& context : data.contexts) tokens += tokenize(v, context).size();
  for (const auto& question : data.questions) tokens += tokenize(v, question.question).size();
  CHECK(tokens == 373102);

  size_t tried = 0, found = 0;
  for (size_t q = 0; q < data.questions.size(); q += 29) {
    const SquadQuestion& question = data.questions[q];
    const SquadAnswer& answer = question.answers[0];
    const std::string& context = data.contexts[question.context];
    const auto windows = squad_windows(v, question.question, context);
    std::vector<SquadLogits> logits;
    for (const SquadWindow& window : windows) {
      SquadLogits l{std::vector<float>(window.ids.size(), 0), std::vector<float>(window.ids.size(), 0)};
      for (size_t i = 0; i < window.spans.size(); ++i) {
        l.start[window.piece_begin + i] = window.spans[i].begin == answer.begin ? 9.0f : 0.0f;
        l.end[window.piece_begin + i] =
            window.spans[i].end == answer.begin.value() + answer.text.size() ? 9.0f : 0.0f;
      }
      logits.push_back(std::move(l));
    }
    ++tried;
    found += squad_answer(context, windows, logits) == answer.text;
  }
  CHECK(tried == 302);
  CHECK(found == 297);  // the others begin or end within a token
}
