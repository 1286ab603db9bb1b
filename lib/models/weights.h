// Weights by name, and how they come from a file.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

namespace alertbench {

using Weights = std::map<std::string, at::Tensor>;

// Copies a state dictionary (models/state_dict_file.h) into `tensors`, which may be views. Every name must be there
// with its shape, in any floating-point type, without NaN and infinity, and nothing else but `num_batches_tracked` of
// batch norms: otherwise one InputError that lists what is wrong (the first of many). After an error some tensors are
// filled.
void fill_weights(const Weights& tensors, const std::string& path);

}  // namespace alertbench
