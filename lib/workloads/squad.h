// SQuAD v1.1: questions on paragraphs of Wikipedia, each answered by a span of its paragraph.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace alertbench {

struct SquadAnswer {
  std::string text;
  size_t begin = 0;  // byte of the context where it stands
};

struct SquadQuestion {
  std::string id, question;
  size_t context = 0;                // index in SquadData::contexts, shared by the questions of a paragraph
  std::vector<SquadAnswer> answers;  // at least one
};

struct SquadData {
  std::vector<std::string> contexts;
  std::vector<SquadQuestion> questions;  // at least one; in the file's order

  // Throws InputError that names the place, and the question where there is one: no SQuAD JSON, wrong types, missing
  // keys, an id that is there twice, no questions, a question without answers (SQuAD v2.0), an answer that is empty or
  // not in the context at answer_start (which counts Unicode characters). Other keys are passed over. Files above 256
  // MiB, 16 levels or 4 million JSON values, and texts above 1 MiB, are refused (the training set: 30 MB, 9 levels,
  // about 0.7 million).
  static SquadData read(const std::string& path);
};

// Question id -> answer text.
using SquadPredictions = std::unordered_map<std::string, std::string>;

// A JSON object of id -> text, as the official evaluation reads it: of an id that is there twice, the last counts.
// Throws InputError; the same limits.
SquadPredictions read_squad_predictions(const std::string& path);

}  // namespace alertbench
