// How well a network answers questions: exactly as a scenario runs and judges it.
#pragma once

#include <vector>

#include "models/bert.h"
#include "workloads/squad.h"
#include "workloads/wordpiece.h"

namespace alertbench {

struct SquadQuality {
  std::vector<double> f1, exact;  // per stage, 0..1, means over all questions
};

// There must be a question.
SquadQuality squad_quality(BertReader& reader, const SquadData& data, const Vocabulary& vocabulary);

}  // namespace alertbench
