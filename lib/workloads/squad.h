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
};

struct SquadData {
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
};

// Question id -> answer text.
using SquadPredictions = std::unordered_map<std::string, std::string>;

// A JSON object of id -> text. Throws InputError, also for a duplicate id (the official evaluation
// takes the last); the same limits.
SquadPredictions read_squad_predictions(const std::string& path);

}  // namespace alertbench
