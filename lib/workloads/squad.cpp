#include "workloads/squad.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/unicode.h"

namespace alertbench {
namespace {

using nlohmann::json;

constexpr JsonLimits limits{size_t{256} << 20, 16, 4000000};
constexpr size_t max_text_bytes = size_t{1} << 20;

[[noreturn]] void bad_squad(const std::string& where, const std::string& what) {
  throw InputError(fmt::format("{}: {}", where, what));
}

// The beginning of a text, for messages.
std::string shown(const std::string& text) {
  constexpr size_t longest = 60;
  const std::u32string characters = decode_utf8(text);
  if (characters.size() <= longest) return "\"" + text + "\"";
  return "\"" + encode_utf8(std::u32string_view(characters).substr(0, longest)) + "...\"";
}

const json& member(const json& object, const char* key, const std::string& where) {
  if (!object.is_object()) bad_squad(where, fmt::format("expected an object, found {}", object.type_name()));
  const auto it = object.find(key);
  if (it == object.end()) bad_squad(where, fmt::format("{}: is missing; expected SQuAD v1.1", key));
  return *it;
}

const json& list(const json& object, const char* key, const std::string& where) {
  const json& value = member(object, key, where);
  if (!value.is_array())
    bad_squad(where, fmt::format("{}: expected a list, found {}", key, value.type_name()));
  return value;
}

std::string text_of(const json& value, const std::string& where) {
  if (!value.is_string()) bad_squad(where, fmt::format("expected a string, found {}", value.type_name()));
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > max_text_bytes)
    bad_squad(where, fmt::format("{} bytes are more than the limit of {}", text.size(), max_text_bytes));
  return text;
}

std::string text(const json& object, const char* key, const std::string& where) {
  return text_of(member(object, key, where), where + ": " + key);
}

// Byte where each character of the text begins, and where the last one ends.
std::vector<size_t> character_bytes(const std::string& text) {
  std::vector<size_t> bytes{0};
  for (const char32_t c : decode_utf8(text)) bytes.push_back(bytes.back() + utf8_bytes(c));
  return bytes;
}

struct Paragraph {
  std::string context;
  std::vector<size_t> bytes;  // character_bytes(context)
};

SquadAnswer read_answer(const json& object, const Paragraph& paragraph, const std::string& where) {
  SquadAnswer answer{text(object, "text", where), {}};
  if (answer.text.empty()) bad_squad(where, "text: is empty; expected a part of the context");
  const auto start = object.find("answer_start");
  if (start == object.end() || !start->is_number_unsigned()) return answer;
  const size_t characters = paragraph.bytes.size() - 1, first = start->get<uint64_t>();
  if (first >= characters) return answer;
  const size_t begin = paragraph.bytes[first];
  if (paragraph.context.compare(begin, answer.text.size(), answer.text) == 0) answer.begin = begin;
  return answer;
}

SquadQuestion read_question(const json& object, const Paragraph& paragraph, std::string where) {
  SquadQuestion question;
  question.id = text(object, "id", where);
  where += fmt::format(": question {}", shown(question.id));
  question.question = text(object, "question", where);
  const json& answers = list(object, "answers", where);
  if (answers.empty())
    bad_squad(where, "answers: is empty; in SQuAD v1.1 all questions have answers (v2.0 is not supported)");
  for (size_t i = 0; i < answers.size(); ++i)
    question.answers.push_back(read_answer(answers[i], paragraph, fmt::format("{}: answers[{}]", where, i)));
  return question;
}

}  // namespace

SquadData SquadData::read(const std::string& path) {
  const json file = read_json_file(path, limits);
  SquadData result;
  std::unordered_map<std::string, std::string> places;  // id -> where
  const json& articles = list(file, "data", path);
  for (size_t a = 0; a < articles.size(); ++a) {
    const std::string article = fmt::format("{}: data[{}]", path, a);
    const json& paragraphs = list(articles[a], "paragraphs", article);
    const auto title = articles[a].find("title");
    const bool titled = title != articles[a].end() && title->is_string();
    result.articles.push_back(titled ? text_of(*title, article + ": title") : "");
    for (size_t p = 0; p < paragraphs.size(); ++p) {
      const std::string where = fmt::format("{}.paragraphs[{}]", article, p);
      Paragraph paragraph{text(paragraphs[p], "context", where), {}};
      paragraph.bytes = character_bytes(paragraph.context);
      const json& questions = list(paragraphs[p], "qas", where);
      for (size_t q = 0; q < questions.size(); ++q) {
        const std::string place = fmt::format("{}.qas[{}]", where, q);
        SquadQuestion question = read_question(questions[q], paragraph, place);
        question.context = result.contexts.size();
        question.article = a;
        for (const SquadAnswer& answer : question.answers) result.misplaced_answers += !answer.begin;
        const auto [first, fresh] = places.emplace(question.id, place);
        if (!fresh)
          bad_squad(place, fmt::format("duplicate id {}, first at {}", shown(question.id), first->second));
        result.questions.push_back(std::move(question));
      }
      result.contexts.push_back(std::move(paragraph.context));
    }
  }
  if (result.questions.empty()) bad_squad(path, "data: has no questions; expected SQuAD v1.1");
  return result;
}

SquadData SquadData::of_articles(size_t first, size_t end) const {
  SquadData part;
  part.articles = articles;
  std::unordered_map<size_t, size_t> places;  // of contexts, here -> there
  for (const SquadQuestion& q : questions) {
    if (q.article < first || q.article >= end) continue;
    const auto [place, fresh] = places.emplace(q.context, part.contexts.size());
    if (fresh) part.contexts.push_back(contexts[q.context]);
    part.questions.push_back(q);
    part.questions.back().context = place->second;
    for (const SquadAnswer& answer : q.answers) part.misplaced_answers += !answer.begin;
  }
  return part;
}

void write_squad_articles(const std::string& from, size_t first, size_t end, const std::string& to) {
  json file = read_json_file(from, limits);
  json& articles = file["data"];
  json part = json::array();
  for (size_t a = first; a < end; ++a) part.push_back(std::move(articles.at(a)));
  articles = std::move(part);
  write_file_atomically(to, file.dump() + "\n");
}

SquadPredictions read_squad_predictions(const std::string& path) {
  const json file = read_json_file(path, limits);
  if (!file.is_object())
    bad_squad(path,
              fmt::format("expected an object of question id -> answer text, found {}", file.type_name()));
  SquadPredictions predictions;
  for (const auto& [id, answer] : file.items())
    predictions.emplace(id, text_of(answer, fmt::format("{}: answer to question {}", path, shown(id))));
  return predictions;
}

}  // namespace alertbench
