// Images for measuring time and energy where there is no data: no labels, no accuracy.
#pragma once

#include "workloads/workload.h"

namespace alertbench {

// 50,000 images, each a smooth random field per channel with noise on it, 256x256, taken through the same
// preprocessing as real ones; a function of (seed, n) and the spec alone.
class SyntheticImages : public ImageWorkload {
 public:
  explicit SyntheticImages(uint64_t seed) : seed_(seed) {}

  std::string name() const override { return "synthetic-imagenet"; }
  std::string data_source() const override;  // "synthetic, seed 1"
  int64_t size() const override { return 50000; }
  int classes() const override { return 1000; }
  bool labelled() const override { return false; }
  Image input(int64_t n, const ImageSpec& spec) const override;  // spec.channels 1 or 3
  int label(int64_t n) const override;                           // -1
  std::string input_id(int64_t n) const override;                // "synthetic/17"

 private:
  void check(int64_t n) const;

  uint64_t seed_;
};

}  // namespace alertbench
