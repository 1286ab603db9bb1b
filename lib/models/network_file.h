// A network file: the candidate networks of one workload, and what is known of each before any run. Needs no
// LibTorch.
//
//   { "schema_version": "1.0", "workload": "fashion-mnist",
//     "networks": [ { "name": "...", "architecture": "resnet" | "lstm" | "bert" | "zoo" | "torchscript",
//                     "config": {...} (not for torchscript),
//                     "weights": "file beside this one", or "random_seed": 1,
//                     "input": { "channels", "height", "width", "mean", "scale" } (not for lstm and bert),
//                     "accuracy": { "top1": [one per stage, 0..1], "top5": [...], "source": "measured", "on":
//                     "..." } } ] }
//
// "config" is a ResnetConfig, a LstmConfig, a BertConfig or a ZooConfig. A network of the zoo may leave out
// an accuracy that is published. That of a bert has, instead of top1 and top5, SQuAD's "f1" and "exact"
// (match), 0..1, both one per stage; F1 is what schedulers see as its accuracy. That of an lstm has
// "perplexity", one per stage, "guess_perplexity" (one number: of guessing the same words by their share of
// the training text) and, if known, "top1" (next words told right): what schedulers see is language quality,
// 1 - ln(perplexity) / ln(guess_perplexity).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/bert_config.h"
#include "models/lstm_config.h"
#include "models/resnet_config.h"
#include "models/zoo/zoo.h"
#include "workloads/workload.h"

namespace alertbench {

struct NetworkAccuracy {
  std::vector<double> top1,
      top5;  // per stage, 0..1; top5 may be empty, and top1 of an lstm; top1 of a bert: F1
  std::vector<double> perplexity;  // per stage, of a language model; empty for others
  double guess_perplexity = 0;     // beside perplexity
  std::vector<double> exact;       // per stage, 0..1, exact match of a bert; empty for others
  std::string source;              // "measured" | "published" | "assumed"
  std::string on;                  // which data, or which publication
};

struct NetworkSpec {
  std::string name;
  std::string architecture;  // "resnet" | "lstm" | "bert" | "zoo" | "torchscript"
  ResnetConfig resnet;       // architecture "resnet"
  LstmConfig lstm;           // architecture "lstm"
  BertConfig bert;           // architecture "bert"
  ZooConfig zoo;             // architecture "zoo"
  std::string weights;       // path, relative ones resolved beside the network file; empty: random weights
  uint64_t random_seed = 1;  // where `weights` is empty
  ImageSpec input;
  NetworkAccuracy accuracy;

  int stages() const;
  // Scores that it gives; 0: not known before it is loaded (TorchScript), or as many as its input has tokens
  // (bert).
  int classes() const {
    return architecture == "resnet" ? resnet.classes
           : architecture == "zoo"  ? zoo.classes
           : architecture == "lstm" ? lstm.vocabulary
                                    : 0;
  }
  // Of all stages, for one input: an image, a word of an lstm, a full window (384 tokens) of a bert. 0: not
  // known before it is loaded.
  int64_t parameters() const;
  int64_t multiply_accumulates() const;
  bool anytime() const { return stages() > 1; }
  bool random_weights() const { return weights.empty(); }
  AccuracyUnit accuracy_unit() const {
    return architecture == "lstm"   ? AccuracyUnit::language_quality
           : architecture == "bert" ? AccuracyUnit::f1
                                    : AccuracyUnit::top1;
  }
  std::vector<double> stage_accuracy()
      const;  // in that unit, what profiles begin with; empty if it is not known
};

struct NetworkFile {
  std::string path;
  std::string workload;
  std::vector<NetworkSpec> networks;

  // InputError names the file, the network and the key. `need_accuracy` is false for training and lists: the
  // accuracy may be missing, or fall from stage to stage.
  static NetworkFile read(const std::string& path, bool need_accuracy = true);
  const NetworkSpec& find(const std::string& name) const;  // InputError lists the known names
};

}  // namespace alertbench
