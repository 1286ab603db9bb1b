// Distillation (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015): a network learns from
// the scores of a teacher, a better network that is trained already, besides the labels. The scores say which
// wrong classes an image resembles, which a label does not.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

namespace alertbench {

struct Distillation {
  double temperature = 2;  // scores are divided by it before the softmax, of the teacher and of the network
  double weight = 0.5;     // of the teacher; the labels have the rest
};

// Returns the mean over the images of (1 - weight) * cross entropy with the label + weight * temperature^2 *
// Kullback-Leibler divergence from the teacher's probabilities at that temperature (the square keeps the
// gradients' size whatever the temperature is). scores, teacher: [n, classes]; labels: [n]. The teacher gets
// no gradient.
torch::Tensor distillation_loss(const torch::Tensor& scores, const torch::Tensor& labels,
                                const torch::Tensor& teacher, const Distillation& how);

// Returns compute()'s scores, a float tensor of `shape`, and keeps them in the file `path`. If that file has
// scores of the same `key` (without dots: a hash of all that they depend on), they are returned instead. A
// file that is torn, foreign or of another key is replaced.
torch::Tensor kept_scores(const std::string& path, const std::string& key, torch::IntArrayRef shape,
                          const std::function<torch::Tensor()>& compute);

}  // namespace alertbench
