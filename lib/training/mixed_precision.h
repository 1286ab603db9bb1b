// Products of numbers rounded to bfloat16 (8 bits of precision, sums still in float), which is faster
// on processors with AMX or AVX512-BF16. Weights, losses and the optimiser's state stay floats.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace alertbench {

enum class Precision { float32, bfloat16 };

Precision precision_of(const std::string& name);  // by these names; InputError otherwise

// While it lives, convolutions and linear layers called on this thread round what they multiply ("autocast");
// their gradients do so whenever they are computed. Nothing happens with float32.
class MixedPrecision {
 public:
  explicit MixedPrecision(Precision precision);
  ~MixedPrecision();
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
  bool on_;
};

// For code that has no layers to cast: while it lives, matrix products of floats round what they multiply, on
// all threads, gradients included. InputError for bfloat16 with a LibTorch before 2, whose products would
// not.
class RoundedProducts {
 public:
  explicit RoundedProducts(Precision precision);
  ~RoundedProducts();
  RoundedProducts(const RoundedProducts&) = delete;
  RoundedProducts& operator=(const RoundedProducts&) = delete;

 private:
  bool on_;
};

// The scores as floats, for losses.
std::vector<torch::Tensor> as_floats(std::vector<torch::Tensor> scores);

}  // namespace alertbench
