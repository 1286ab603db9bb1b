#include "workloads/squad_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace alertbench {
namespace {

struct Piece {
  size_t begin, length;  // tokens of the context
};

std::vector<Piece> cut(size_t tokens, size_t capacity, size_t stride) {
  std::vector<Piece> pieces;
  for (size_t begin = 0; begin < tokens; begin += std::min(capacity, stride)) {
    pieces.push_back({begin, std::min(capacity, tokens - begin)});
    if (begin + pieces.back().length == tokens) break;
  }
  return pieces;
}

// Index of the piece that shows most of a token's surroundings; the pieces before `first` do not have the
// token.
size_t max_context_piece(const std::vector<Piece>& pieces, size_t first, size_t token) {
  size_t best = first;
  double best_score = -1;
  for (size_t i = first; i < pieces.size() && pieces[i].begin <= token; ++i) {
    const size_t left = token - pieces[i].begin, right = pieces[i].begin + pieces[i].length - 1 - token;
    const double score =
        static_cast<double>(std::min(left, right)) + 0.01 * static_cast<double>(pieces[i].length);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

std::vector<size_t> max_context_pieces(const std::vector<Piece>& pieces, size_t tokens) {
  std::vector<size_t> result(tokens);
  size_t first = 0;
  for (size_t token = 0; token < tokens; ++token) {
    while (pieces[first].begin + pieces[first].length <= token) ++first;
    result[token] = max_context_piece(pieces, first, token);
  }
  return result;
}

void check(const SquadWindowSettings& s) {
  if (s.max_question < 1 || s.stride < 1 || s.max_length - 4 < s.max_question)
    throw InputError(
        fmt::format("max_length {}, stride {}, max_question {}: expected max_question and stride of at least "
                    "1, and max_length of at least max_question + 4",
                    s.max_length, s.stride, s.max_question));
}

void check(const SquadWindow& window, const SquadLogits& logits, size_t index) {
  for (const auto* scores : {&logits.start, &logits.end}) {
    if (scores->size() != window.ids.size())
      throw RunError(
          fmt::format("window {}: {} scores for {} tokens", index, scores->size(), window.ids.size()));
    for (const float score : *scores)
      if (!std::isfinite(score))
        throw RunError(fmt::format("window {}: the network's scores include {}", index, score));
  }
}

// Indices of the greatest scores, best first; of equals the first.
std::vector<size_t> best_indices(const std::vector<float>& scores, size_t count) {
  std::vector<size_t> indices(scores.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  const auto end = indices.begin() + static_cast<std::ptrdiff_t>(std::min(count, indices.size()));
  std::partial_sort(indices.begin(), end, indices.end(), [&](size_t a, size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  indices.erase(end, indices.end());
  return indices;
}

struct Best {
  double score = -std::numeric_limits<double>::infinity();
  Span span;
};

void search(const SquadWindow& window, const SquadLogits& logits, const SquadAnswerSettings& settings,
            Best& best) {
  const auto count = static_cast<size_t>(std::max(0, settings.n_best));
  const auto longest = static_cast<size_t>(std::max(0, settings.longest_answer));
  const size_t begin = window.piece_begin, end = begin + window.spans.size();
  const std::vector<size_t> starts = best_indices(logits.start, count),
                            ends = best_indices(logits.end, count);
  for (const size_t s : starts) {
    if (s < begin || s >= end || !window.max_context[s - begin]) continue;
    for (const size_t e : ends) {
      if (e < s || e >= end || e - s >= longest) continue;
      const double score = static_cast<double>(logits.start[s]) + static_cast<double>(logits.end[e]);
      if (score <= best.score) continue;
      // All tokens count: reordered marks can have an earlier place than the token before them.
      Span span = window.spans[s - begin];
      for (size_t i = s + 1; i <= e; ++i) {
        span.begin = std::min(span.begin, window.spans[i - begin].begin);
        span.end = std::max(span.end, window.spans[i - begin].end);
      }
      best = {score, span};
    }
  }
}

}  // namespace

std::vector<SquadWindow> squad_windows(const Vocabulary& vocabulary, const std::string& question,
                                       const std::string& context, const SquadWindowSettings& settings) {
  check(settings);
  std::vector<Token> asked = tokenize(vocabulary, question);
  asked.resize(std::min(asked.size(), static_cast<size_t>(settings.max_question)));
  const std::vector<Token> tokens = tokenize(vocabulary, context);
  const std::vector<Piece> pieces =
      cut(tokens.size(), static_cast<size_t>(settings.max_length) - asked.size() - 3,
          static_cast<size_t>(settings.stride));
  const std::vector<size_t> owner = max_context_pieces(pieces, tokens.size());
  std::vector<SquadWindow> windows;
  for (size_t p = 0; p < pieces.size(); ++p) {
    SquadWindow window;
    window.ids.push_back(vocabulary.cls());
    for (const Token& token : asked) window.ids.push_back(token.id);
    window.ids.push_back(vocabulary.sep());
    window.piece_begin = window.ids.size();
    for (size_t t = pieces[p].begin; t < pieces[p].begin + pieces[p].length; ++t) {
      window.ids.push_back(tokens[t].id);
      window.spans.push_back(tokens[t].span);
      window.max_context.push_back(owner[t] == p);
    }
    window.ids.push_back(vocabulary.sep());
    window.types.assign(window.ids.size(), 1);
    std::fill_n(window.types.begin(), window.piece_begin, 0);
    windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<SquadLogits> squad_logits(const std::string& of_what, const std::vector<SquadWindow>& windows,
                                      const std::vector<float>& scores) {
  size_t expected = 0;
  for (const SquadWindow& w : windows) expected += 2 * w.ids.size();
  if (scores.size() != expected)
    throw RunError(fmt::format("{}: {} scores for {} windows, expected {}", of_what, scores.size(),
                               windows.size(), expected));
  std::vector<SquadLogits> logits;
  auto at = scores.begin();
  for (const SquadWindow& w : windows) {
    const auto tokens = static_cast<std::ptrdiff_t>(w.ids.size());
    logits.push_back({{at, at + tokens}, {at + tokens, at + 2 * tokens}});
    at += 2 * tokens;
  }
  return logits;
}

std::string squad_answer(const std::string& context, const std::vector<SquadWindow>& windows,
                         const std::vector<SquadLogits>& logits, const SquadAnswerSettings& settings) {
  if (logits.size() != windows.size())
    throw RunError(fmt::format("scores of {} windows for {} windows", logits.size(), windows.size()));
  Best best;
  for (size_t i = 0; i < windows.size(); ++i) {
    check(windows[i], logits[i], i);
    search(windows[i], logits[i], settings, best);
  }
  return context.substr(best.span.begin, best.span.end - best.span.begin);
}

}  // namespace alertbench
