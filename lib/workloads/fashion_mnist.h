// Fashion-MNIST (28x28 grey, 10 classes) from its IDX files, gzip or plain.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/workload.h"

namespace alertbench {

class FashionMnist : public ImageWorkload {
 public:
  static constexpr int side = 28;
  // Debian: dataset-fashion-mnist
  static constexpr const char* default_dir = "/usr/share/datasets/fashion-mnist";

  // Reads {t10k,train}-{images-idx3,labels-idx1}-ubyte[.gz] of `dir`, split "test" (t10k) or "train", into
  // memory. A smaller set in the same format will do. Throws InputError if a file is missing or is not
  // what its format says; memory is bounded by the bytes that are there, whatever a header claims.
  explicit FashionMnist(std::string dir = default_dir, std::string split = "test");

  std::string name() const override { return "fashion-mnist"; }
  std::string data_source() const override;
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int classes() const override { return 10; }
  bool labelled() const override { return true; }
  Image input(int64_t n, const ImageSpec& spec) const override;  // spec.channels must be 1
  int label(int64_t n) const override;
  std::string input_id(int64_t n) const override;  // "test/17"

  // For training: size() * 28 * 28 bytes, and size() labels.
  const std::vector<uint8_t>& pixels() const { return pixels_; }
  const std::vector<uint8_t>& labels() const { return labels_; }

 private:
  void check(int64_t n) const;

  std::string dir_, split_;
  std::vector<uint8_t> pixels_, labels_;
};

}  // namespace alertbench
