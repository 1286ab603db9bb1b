// Prepares an LSTM language model to be run word by word and stage by stage.
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/staged_model.h"
#include "models/striped_lstm.h"

namespace alertbench {

// The network reads WordInText. A stage has one block for each layer (the stripe's part of it) and one for
// the stripe's part of the scores and their softmax. scores() returns ln of the probability of each word. The
// weights are copied. The state after the preceding words is computed by the complete network before the
// clock starts; it is kept for some of the last words, because schedulers take turns on the same few. On a
// device all of this is stored there, so a word needs no copy from the host: its row of the embedding is
// already on the device.
std::unique_ptr<StagedModel> compile(const StripedLstm& net, const ComputeDevice& device = {});

}  // namespace alertbench
