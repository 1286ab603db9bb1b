// Exact match and F1 as SQuAD's official evaluation script for v1.1 computes them, to the last digit.
#pragma once

#include <string>
#include <vector>

#include "workloads/squad.h"

namespace alertbench {

// What the evaluation compares: the words of an answer in lower case (Python's str.lower(): core/unicode.h),
// without ASCII punctuation, and without a, an and the where they are whole words of \w characters. Since
// accents written as combining marks are no \w characters, the article goes from "a\u0301" too, as in the
// script. Throws InputError if the text is not UTF-8.
std::vector<std::u32string> squad_words(const std::string& answer);

struct SquadQuestionScore {
  bool answered = false;
  bool exact = false;  // the words are those of one of the right answers
  double f1 = 0;       // of the words as a bag, the best over the right answers; 0..1
};

SquadQuestionScore score_squad_answer(const std::string& prediction, const SquadQuestion& question);

struct SquadScore {
  std::vector<SquadQuestionScore> questions;  // as SquadData::questions
  size_t missing = 0;                         // questions without a prediction, counted as wrong
  double exact_match = 0, f1 = 0;             // means over all questions, in percent
};

// Predictions for ids that the data has not are passed over. There must be a question.
SquadScore score_squad(const SquadData& data, const SquadPredictions& predictions);

}  // namespace alertbench
