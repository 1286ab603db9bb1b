// What the command line asks for, and the kinds of training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/network_file.h"
#include "training/distillation.h"
#include "training/mixed_precision.h"

namespace alertbench {

// Where a default depends on the kind of network, the option is empty until it is given.
struct Options {
  std::string network_file, network, data, init, method = "joint", command;
  std::optional<int> epochs, batch;
  std::optional<double> learning_rate, weight_decay, dropout, max_norm;
  int stop_after = 0, threads = 1, limit = 0, checkpoint_every = 200;
  uint64_t seed = 1;
  Precision precision = Precision::float32;

  int coarse_epochs = 2;  // images
  std::string teacher;    // a network of the same file; empty: labels alone
  Distillation distillation;

  int steps = 20, decay_after = 4;  // language
  double decay = 0.5, momentum = 0;
  int sampled_epochs = 0, sampled_words = 2000;

  std::optional<int> test_articles;  // questions
};

void train_images(const Options& options, const NetworkFile& file, const NetworkSpec& network);
void train_language(const Options& options, const NetworkSpec& network);
void train_questions(const Options& options, const NetworkSpec& network);

}  // namespace alertbench
