#include "training/squad_examples.h"

#include <fmt/format.h>

#include "base/error.h"

namespace alertbench {
namespace {

// Adds the answer's tokens in `window`, if all of it lies there. `first`, `last`: whether the window begins
// or ends with its context.
void add_answer(SquadExample& example, const SquadWindow& window, size_t begin, size_t end, bool first,
                bool last) {
  const std::vector<Span>& spans = window.spans;
  if ((!first && spans.front().begin > begin) || (!last && spans.back().end < end)) return;
  size_t from = spans.size(), to = 0;
  for (size_t t = 0; t < spans.size(); ++t) {
    if (spans[t].end <= begin || spans[t].begin >= end) continue;
    from = std::min(from, t);
    to = t;
  }
  if (from == spans.size()) return;
  example.starts.push_back(static_cast<int64_t>(window.piece_begin + from));
  example.ends.push_back(static_cast<int64_t>(window.piece_begin + to));
}

// All windows of a question; none where no window holds an answer.
std::vector<SquadExample> examples_of(const SquadQuestion& question, std::vector<SquadWindow> windows) {
  std::vector<SquadExample> examples;
  bool any = false;
  for (size_t w = 0; w < windows.size(); ++w) {
    SquadExample example;
    for (const SquadAnswer& answer : question.answers)
      if (answer.begin)
        add_answer(example, windows[w], *answer.begin, *answer.begin + answer.text.size(), w == 0,
                   w + 1 == windows.size());
    any = any || !example.starts.empty();
    if (example.starts.empty()) {
      example.starts = {0};
      example.ends = {0};
    }
    example.window = {std::move(windows[w].ids), std::move(windows[w].types)};
    examples.push_back(std::move(example));
  }
  if (!any) examples.clear();
  return examples;
}

}  // namespace

SquadExamples squad_examples(const SquadData& data, const Vocabulary& vocabulary, const std::string& where,
                             const SquadWindowSettings& settings) {
  SquadExamples all;
  std::string first_left_out;
  for (const SquadQuestion& question : data.questions) {
    auto examples = examples_of(
        question, squad_windows(vocabulary, question.question, data.contexts[question.context], settings));
    ++all.questions;
    if (examples.empty()) {
      if (all.left_out++ == 0) first_left_out = question.id;
      continue;
    }
    for (SquadExample& example : examples) all.windows.push_back(std::move(example));
  }
  if (all.questions == 0) throw InputError(where + ": no questions to train on");
  if (all.left_out * 100 > all.questions)
    throw InputError(
        fmt::format("{}: question \"{}\" and {} more of {} have no answer that stands in its context at its "
                    "answer_start; "
                    "training needs the position of answers, in characters from the context's beginning",
                    where, first_left_out, all.left_out - 1, all.questions));
  return all;
}

}  // namespace alertbench
