// Questions as BERT is fed them, and answers from its scores, after run_squad.py of google-research/bert. A
// context too long for the network is cut into overlapping windows; the tokens of an answer must be scored in
// the window that shows most of their surroundings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/wordpiece.h"

namespace alertbench {

struct SquadWindowSettings {
  int max_length = 384;   // tokens of a window; at least max_question + 4
  int stride = 128;       // tokens from window to window
  int max_question = 64;  // tokens; what is over is cut off
};

// [CLS] question [SEP] piece of the context [SEP]; not padded.
struct SquadWindow {
  std::vector<int64_t> ids, types;  // types: 0 up to the first [SEP], 1 after it
  size_t piece_begin = 0;           // index in `ids` of the piece's first token
  std::vector<Span> spans;          // of the piece's tokens, in the context
  std::vector<bool> max_context;    // of the piece's tokens: no other window has more of the context on the
                                    // token's shorter side (the first of equals counts)
};

// At least one window where the context has a token, else none. Throws InputError on settings out of range,
// or texts that are not UTF-8.
std::vector<SquadWindow> squad_windows(const Vocabulary& vocabulary, const std::string& question,
                                       const std::string& context, const SquadWindowSettings& settings = {});

// A network's scores (logits) for each of a window's tokens: that the answer starts there, and that it ends
// there.
struct SquadLogits {
  std::vector<float> start, end;  // as many as SquadWindow::ids
};

// `scores`: of all windows, one after the other, each with the start scores of its tokens and then their end
// scores (as StagedModel::scores() gives them for a bert). Throws RunError if they are not as many as that,
// with a message that begins with `of_what`.
std::vector<SquadLogits> squad_logits(const std::string& of_what, const std::vector<SquadWindow>& windows,
                                      const std::vector<float>& scores);

struct SquadAnswerSettings {
  int n_best = 20;          // starts and ends considered in a window: the best of each
  int longest_answer = 30;  // tokens
};

// The part of the context with the greatest sum of start and end score: both from one window, not before its
// start, not longer than allowed, the start in its max_context window. Of equals the first by window, then by
// rank of start, then of end. "" where there is none. The original widens the span to whole words and then
// trims that by string matching; here it is the tokens' own span. Throws RunError if the scores are not
// finite, or not as many as the tokens.
std::string squad_answer(const std::string& context, const std::vector<SquadWindow>& windows,
                         const std::vector<SquadLogits>& logits, const SquadAnswerSettings& settings = {});

}  // namespace alertbench
