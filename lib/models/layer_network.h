// Runs the networks that models/zoo/layers.h describes, one image at a time: batch norm folded into the
// convolutions, their weights prepacked for oneDNN, ReLU fused, channels-last throughout (on the processor).
// The result is the same as when running layer after layer, up to rounding, on every device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/compute_device.h"
#include "models/staged_model.h"
#include "models/weights.h"
#include "models/zoo/layers.h"

namespace alertbench {

// He et al., ICCV 2015: normal with variance 2 / fan-in; biases 0, batch norms the identity. The same seed
// gives the same weights.
Weights random_weights(const zoo::Architecture& net, uint64_t seed);
// Reads a state dictionary. Throws InputError like fill_weights(). A network of ImageNet's 1000 classes may
// have 1001 in the file, the first of which is TensorFlow's background and left out.
Weights read_weights(const zoo::Architecture& net, const std::string& path);

// Returns a network of one stage, with one block for every block of the description. `weights` must have all
// names of state_dictionary(net), and lie on the processor.
std::unique_ptr<StagedModel> compile(const zoo::Architecture& net, const Weights& weights,
                                     const ComputeDevice& device = {});

}  // namespace alertbench
