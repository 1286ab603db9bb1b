// A network file: the candidate networks of one workload, and what is known about each before any run. Needs
// no LibTorch.
//
//   { "schema_version": "1.0", "workload": "fashion-mnist",
//     "networks": [ { "name": "...", "architecture": "resnet" | "lstm" | "bert" | "zoo" | "torchscript" |
//                     "aotinductor" | "cascade", "config": {...} (not for torchscript and aotinductor),
//                     "weights": "file beside this one", or "random_seed": 1 (neither for cascade),
//                     "input": { "channels", "height", "width", "mean", "scale" } (not for lstm, bert and
//                     cascade),
//                     "accuracy": { "top1": [one per stage, 0..1], "top5": [...], "source": "measured", "on":
//                     "..." } } ] }
//
// "config" is a ResnetConfig, a LstmConfig, a BertConfig, a ZooConfig or a CascadeConfig. A network of the
// zoo may omit an accuracy that is published, and a cascade one that follows from those of its members.
// Instead of top1 and top5, the accuracy of a bert has SQuAD's "f1" and "exact" (match), both 0..1 and one
// per stage; schedulers use F1 as its accuracy. The accuracy of an lstm has "perplexity", one per stage,
// "guess_perplexity" (one number: the perplexity of guessing the same words by their share of the training
// text) and, if known, "top1" (the share of next words predicted correctly); schedulers use language quality,
// 1 - ln(perplexity) / ln(guess_perplexity). The accuracy of a cascade has the keys of its members'.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/bert_config.h"
#include "models/cascade_config.h"
#include "models/lstm_config.h"
#include "models/resnet_config.h"
#include "models/zoo/zoo.h"
#include "workloads/workload.h"

namespace alertbench {

struct NetworkAccuracy {
  // Per stage, 0..1. top5 may be empty, and so may top1 of an lstm; top1 of a bert is F1.
  std::vector<double> top1, top5;
  std::vector<double> perplexity;  // per stage, for a language model; empty for others
  double guess_perplexity = 0;     // present with perplexity
  std::vector<double> exact;       // per stage, 0..1, exact match of a bert; empty for others
  std::string source;              // "measured" | "published" | "assumed"
  std::string on;                  // which data, or which publication
};

struct NetworkSpec {
  std::string name;
  // "resnet" | "lstm" | "bert" | "zoo" | "torchscript" | "aotinductor" | "cascade"
  std::string architecture;
  ResnetConfig resnet;    // architecture "resnet"
  LstmConfig lstm;        // architecture "lstm"
  BertConfig bert;        // architecture "bert"
  ZooConfig zoo;          // architecture "zoo"
  CascadeConfig cascade;  // architecture "cascade"
  // Of a cascade, in the order in which they run; empty for others.
  std::vector<std::shared_ptr<const NetworkSpec>> members;
  // Path, where relative ones are resolved from the network file's folder; empty: random weights. Empty for a
  // cascade.
  std::string weights;
  uint64_t random_seed = 1;  // used if `weights` is empty
  ImageSpec input;           // not of a cascade
  NetworkAccuracy accuracy;  // its source is empty if the accuracy is not known

  bool is_cascade() const { return architecture == "cascade"; }
  // The members of a cascade, or else the network itself: what is loaded from files.
  std::vector<const NetworkSpec*> parts() const;
  // The images that the network reads: one, or one for each member of a cascade whose members want different
  // ones.
  std::vector<ImageSpec> images() const;
  int stages() const;
  // Returns the number of scores. 0 means that it is not known before loading (TorchScript, AOTInductor), or
  // that it depends on the number of tokens (bert).
  int classes() const;
  // The counts for all stages, and for one input: an image, a word for an lstm, a full window (384 tokens)
  // for a bert. A cascade has those of all its members. 0 means that they are not known before loading.
  int64_t parameters() const;
  int64_t multiply_accumulates() const;
  bool anytime() const { return stages() > 1; }
  // A file holds code beside the weights. Native code can do whatever this program can, so that it takes a
  // permission to load it; code that is not native is checked before it runs (models/torchscript_check.h).
  bool native_code() const;
  bool holds_code() const;
  bool random_weights() const;  // of a cascade: of any member
  AccuracyUnit accuracy_unit() const;
  // In that unit, the initial accuracies of profiles; empty if they are not known.
  std::vector<double> stage_accuracy() const;
};

struct NetworkFile {
  std::string path;
  std::string workload;
  std::vector<NetworkSpec> networks;

  // InputError names the file, the network and the key. `need_accuracy` is false for training and lists, and
  // if a profile has the accuracies or will measure them: the accuracy may then be missing, or decrease from
  // stage to stage.
  static NetworkFile read(const std::string& path, bool need_accuracy = true);
  const NetworkSpec& find(const std::string& name) const;  // InputError lists the known names
};

// The accuracy as a network file states it.
nlohmann::ordered_json to_json(const NetworkAccuracy& accuracy, AccuracyUnit unit);

// InputError that names the first network whose file is native code, and the option that allows it. `path`:
// of the network file.
void refuse_native_code(const std::vector<NetworkSpec>& networks, const std::string& path);

}  // namespace alertbench
