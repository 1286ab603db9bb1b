// SQuAD v1.1: questions on paragraphs of Wikipedia, each answered by a span of its paragraph.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace alertbench {

struct SquadAnswer {
  std::string text;
  std::optional<size_t>
      begin;  // byte of the context where it stands; none where answer_start is missing or off
};

struct SquadQuestion {
  std::string id, question;
  size_t context = 0;                // index in SquadData::contexts, shared by the questions of a paragraph
  std::vector<SquadAnswer> answers;  // at least one
  size_t article = 0;                // index in SquadData::articles
};

struct SquadData {
  std::vector<std::string> articles;  // titles; "" where there is none
  std::vector<std::string> contexts;
  std::vector<SquadQuestion> questions;  // at least one; in the file's order
  size_t misplaced_answers =
      0;  // not at their answer_start, which is off by some in many data sets of this format

  // Throws InputError that names the place, and the question where there is one: no SQuAD JSON, wrong types,
  // missing keys, a duplicate id, no questions, a question without answers (SQuAD v2.0), an answer
  // that is empty. Other keys are passed over; answer_start (which counts Unicode characters) is not needed
  // to judge an answer. Files above 256 MiB, 16 levels or 4 million JSON values, and texts above 1 MiB, are
  // refused (the training set: 30 MB, 9 levels, about 0.7 million).
  static SquadData read(const std::string& path);

  // The questions of the articles [first, end), with their contexts; the titles of all articles stay. May be
  // without questions.
  SquadData of_articles(size_t first, size_t end) const;
};

// Writes the articles [first, end) of a file that SquadData::read() accepts as a file of the same format,
// with everything that is in them. Throws RunError if it cannot be written.
void write_squad_articles(const std::string& from, size_t first, size_t end, const std::string& to);

// Question id -> answer text.
using SquadPredictions = std::unordered_map<std::string, std::string>;

// A JSON object of id -> text. Throws InputError, also for a duplicate id (the official evaluation
// takes the last); the same limits.
SquadPredictions read_squad_predictions(const std::string& path);

}  // namespace alertbench
