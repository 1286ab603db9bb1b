// Weights by name, and how they come from a file.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>

namespace alertbench {

using Weights = std::map<std::string, at::Tensor>;

// The network's name for a name in a file; "" for a tensor that may be there and is passed over.
using NameRule = std::function<std::string(const std::string& stored)>;

// The same name, but for `num_batches_tracked` of batch norms, which are passed over.
std::string same_name(const std::string& stored);

// Copies a state dictionary (models/state_dict_file.h) into `tensors`, which may be views. Names that the
// network does not know are taken without what wrappers put into them ("module.", "_orig_mod.", or what all
// begin with). Every name must be there once with its shape, in any floating-point type, without NaN and
// infinity, and nothing else but what `rule` passes over: otherwise one InputError that lists what is wrong
// (the first of many). After an error some tensors are filled.
void fill_weights(const Weights& tensors, const std::string& path, const NameRule& rule = same_name);

}  // namespace alertbench
