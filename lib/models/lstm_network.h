// An LSTM language model made ready to be run word by word, stage by stage.
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/staged_model.h"
#include "models/striped_lstm.h"

namespace alertbench {

// Takes WordInText. A stage is a block for each layer (the stripe's part of it) and one for the stripe's part
// of the scores and their softmax. scores(): ln of the probability of each word. The weights are copied. The
// state behind the words before is made by the whole network before the clock starts; it is kept for some of
// the last words, because schedulers take turns on the same few. On a device all of that lies there, so that
// a word is no copy: its row of the embedding is.
std::unique_ptr<StagedModel> compile(const StripedLstm& net, const ComputeDevice& device = {});

}  // namespace alertbench
