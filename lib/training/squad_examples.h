// Questions to learn from: windows of tokens, as BERT is fed them, with the tokens where an answer starts and
// ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/squad.h"
#include "workloads/squad_windows.h"
#include "workloads/workload.h"

namespace alertbench {

// A window of a question. An answer counts with the tokens that its characters touch, in the windows that
// hold all of it. The answers of several people are all learnt, also where they agree. A window that holds no
// answer teaches both to be its first token, [CLS], which is never part of an answer: so its other scores
// stay low, and those of a question's windows can be compared (as in run_squad.py of google-research/bert).
struct SquadExample {
  TokenWindow window;
  std::vector<int64_t> starts, ends;  // tokens of the window, a pair for each answer; at least one
};

struct SquadExamples {
  std::vector<SquadExample> windows;
  size_t questions = 0;
  size_t left_out = 0;  // questions of which no answer stands at its answer_start
};

// `where` opens messages: the file. InputError: no questions; more than one question in a hundred has no
// answer at its answer_start (the message names the first of them); or the settings are out of range.
SquadExamples squad_examples(const SquadData& data, const Vocabulary& vocabulary, const std::string& where,
                             const SquadWindowSettings& settings = {});

}  // namespace alertbench
