// A sample of the vocabulary in place of all of it. Most of a training step of a language model is its
// softmax over every word; here the sum of exponentials is estimated from a few words in each step. Word w is
// in the sample with the chance q(w), independently of the others, and its exponential is divided by q(w), so
// that the estimate of the sum is unbiased (Horvitz and Thompson, 1952). The words that come next in the text
// are always in, with a chance of 1. One sample serves all positions and all stages of a step. If every word
// has a chance of 1, loss and gradient are those of the full softmax.
#pragma once

#include <torch/torch.h>

#include "models/striped_lstm.h"

namespace alertbench {

// Returns [vocabulary] chances in proportion to counts^0.75 (as of word2vec's negative samples), at most 1,
// whose sum is `words`, as far as there are so many. counts: [vocabulary], each at least 1.
torch::Tensor sampling_chances(const torch::Tensor& counts, double words);

// Draws a sample for one step from LibTorch's random source. next: the words that come next, of any shape.
WordSample sample_words(const torch::Tensor& chances, const torch::Tensor& next);

}  // namespace alertbench
