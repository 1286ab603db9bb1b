// Convolutions of one image on one core, for narrow layers and small images. There a call into oneDNN by way
// of LibTorch costs as much as the arithmetic (10 us and more), and a stripe of a nested network is such a
// layer in every stage. This code is called directly, keeps sums of 6 pixels by 16 channels in registers, and
// reads and writes its layers where they lie, so that a stripe is neither copied nor concatenated. Needs no
// LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace alertbench {

// The activations of one layer: [channels / 8][size + 2][size + 2][8] numbers, with a border of zeros around
// each image, which a 3x3 convolution reads. The first channels lie together: later stages of a nested
// network read them as they are, next to their own.
class BlockedLayer {
 public:
  static constexpr int64_t lanes = 8, border = 1;

  BlockedLayer(int64_t channels, int64_t size);  // channels: a multiple of 8; all numbers are 0

  int64_t channels() const { return channels_; }
  int64_t size() const { return size_; }
  int64_t row() const { return (size_ + 2 * border) * lanes; }    // numbers from row to row
  int64_t plane() const { return (size_ + 2 * border) * row(); }  // from 8 channels to the next 8
  int64_t inside() const { return border * (row() + lanes); }     // the first pixel within the border
  float* numbers() { return numbers_.get(); }
  const float* numbers() const { return numbers_.get(); }

 private:
  struct Free {
    void operator()(float* numbers) const;
  };
  int64_t channels_, size_;
  std::unique_ptr<float[], Free> numbers_;
};

// What a network reads: [channels][size + 2 * border][size + 2 * border], with a border of zeros.
struct PlainLayer {
  PlainLayer(int64_t channels, int64_t size, int64_t border);
  void set(const float* chw);  // channels * size * size numbers

  int64_t channels, size, border;
  std::vector<float> numbers;
};

struct DirectConvShape {
  int64_t in, out;  // channels; `out` is a multiple of 8, and so is `in` unless the input is plain
  int64_t kernel, stride;
  bool plain_input;  // a PlainLayer
};

class DirectConv {
 public:
  // Whether this processor can run it (x86-64 with AVX2 and FMA).
  static bool possible();

  // weight: [out][in][kernel][kernel]; bias: [out]. It pads with zeros by kernel / 2, which the border of the
  // input must have, and rounds the size of the output up.
  DirectConv(const float* weight, const float* bias, const DirectConvShape& shape);

  // Reads the first `in` channels of `from`, and writes the channels [first, first + out) of `to`; `first` is
  // a multiple of 8. With `add`, a layer like `to`, its same channels are added. With `relu` what is written
  // is at least 0. `from` must be none of the others.
  void run(const BlockedLayer& from, BlockedLayer& to, int64_t first, const BlockedLayer* add,
           bool relu) const;
  void run(const PlainLayer& from, BlockedLayer& to, int64_t first, bool relu) const;

 private:
  struct Source;
  void run(const Source& from, BlockedLayer& to, int64_t first, const BlockedLayer* add, bool relu) const;

  DirectConvShape shape_;
  std::vector<float> weight_, bias_;
};

// The channels [first, first + count) of `to` become the maximum over 3x3 pixels of those of `from`, with
// stride 2. No number of `from` may be negative (the border counts as 0).
void pool_blocked(const BlockedLayer& from, BlockedLayer& to, int64_t first, int64_t count);
// Writes the mean over the pixels of each of the channels [first, first + count) to `means`.
void mean_of_blocked(const BlockedLayer& layer, int64_t first, int64_t count, float* means);

}  // namespace alertbench
