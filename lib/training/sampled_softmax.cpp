#include "training/sampled_softmax.h"

namespace alertbench {

using torch::Tensor;

Tensor sampling_chances(const Tensor& counts, double words) {
  constexpr int halvings = 60;
  const Tensor share = counts.to(torch::kDouble).pow(0.75);
  double low = 0, high = words / share.min().item<double>();  // here every chance is at least 1
  for (int i = 0; i < halvings; ++i) {
    const double factor = (low + high) / 2;
    ((share * factor).clamp_max(1).sum().item<double>() < words ? low : high) = factor;
  }
  return (share * high).clamp_max(1).to(torch::kFloat);
}

WordSample sample_words(const Tensor& chances, const Tensor& next) {
  const Tensor flat = next.reshape({-1});
  Tensor own = chances.clone();
  own.index_fill_(0, flat, 1.0f);
  const Tensor words = at::nonzero(at::rand_like(own).lt(own)).view({-1});
  Tensor place = torch::empty(chances.sizes(), torch::kLong);
  place.index_copy_(0, words, at::arange(words.size(0), torch::kLong));
  return {words, own.index_select(0, words).log(), place.index_select(0, flat)};
}

}  // namespace alertbench
