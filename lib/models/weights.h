// Weights by name, and how they are read from a file.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <set>
#include <string>

namespace alertbench {

using Weights = std::map<std::string, at::Tensor>;

// Returns the network's name for a name in a file; "" for a tensor that may exist and is ignored.
using NameRule = std::function<std::string(const std::string& stored)>;

// Returns the same name, except that `num_batches_tracked` of batch norms is ignored.
std::string same_name(const std::string& stored);

// Copies a state dictionary (models/state_dict_file.h) into `tensors`, which may be views. If the network
// does not know a name, the parts that wrappers add ("module.", "_orig_mod.") are removed. If it knows none
// then, names lose the beginning ("model.") behind which most are known; where all of the network's are, the
// names without it, of other modules, are ignored, and a second such beginning is an InputError. Every name
// must occur once with its shape, in any floating-point type, without NaN and infinity, and there must be
// nothing else except what `rule` ignores. Otherwise a single InputError lists the faults (the first ones if
// there are many) and ends with a remedy, which for names is `whose_names`: whose state dictionaries have
// them. After an error, some tensors may already be filled.
//
// `with_background`: tensors of which a file may have one row more, in front: that of the background class of
// TensorFlow's networks, which is left out.
void fill_weights(const Weights& tensors, const std::string& path, const NameRule& rule = same_name,
                  const std::string& whose_names = "use the weights of this network",
                  const std::set<std::string>& with_background = {});

}  // namespace alertbench
