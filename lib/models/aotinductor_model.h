// Loads a network from an AOTInductor package (.pt2), which torch._inductor.aoti_compile_and_package makes
// ahead of time out of torch.export, and runs it as one stage of one block. The package is native code: it
// can do whatever this program can, so ask for permission first (NetworkSpec::native_code()). It must be for
// one float32 image, [1, channels, height, width], and return one tensor of scores.
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

// Nothing of the package is loaded before it is known to fit this machine (models/aotinductor_package.h) and
// `device`. LibTorch unpacks it to a folder in /tmp, and removes that with the network. EnvironmentError if
// this LibTorch cannot load packages (before 2.6). InputError names file, network and reason: the package
// cannot be used or loaded, or does not fit; and when it runs: it does not accept spec.input.
std::unique_ptr<StagedModel> load_aotinductor(const NetworkSpec& spec, const ComputeDevice& device = {});

}  // namespace alertbench
