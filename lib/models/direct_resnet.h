// (Striped) residual networks on one core by models/direct_conv.h, which calls nothing of LibTorch in the
// timed run. The small networks that ship here take 0.15 to 0.6 of the time that prepacked convolutions of
// LibTorch took (AMD EPYC with AVX2; bench-networks).
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/staged_model.h"
#include "models/striped_resnet.h"

namespace alertbench {

// Whether compile_directly() can run the network and is the faster way: on the processor, with one thread,
// AVX2 and FMA, stripes of a multiple of 8 channels in every layer, and either several stripes or images of
// at most 64 x 64 pixels. (For one stripe and large images oneDNN is as fast, and can use AVX-512.)
bool runs_directly(const ResnetConfig& config, const ComputeDevice& device);

// Batch norms are folded in. A stage has one block for the stem, one per residual block, one for the head.
std::unique_ptr<StagedModel> compile_directly(const StripedResnet& net);

}  // namespace alertbench
