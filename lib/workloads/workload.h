// The seam between data sets and everything that runs networks on them: what a network wants to be fed
// (ImageSpec), what it gets (Image), and whether its answer is right (Judgement).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace alertbench {

// How a network wants its images; fed value = (pixel - mean[c]) * scale[c], pixel 0..255 after resizing.
struct ImageSpec {
  int channels = 3;  // 3 = RGB, 1 = grey (mean[0] and scale[0] count)
  int height = 224, width = 224;
  std::array<float, 3> mean{0, 0, 0}, scale{1, 1, 1};
  std::string resize = "bilinear";  // the only one now
  float crop = 0.875f;              // side of the central square crop / shorter side of the image, (0, 1]

  bool operator==(const ImageSpec& other) const;
  bool operator!=(const ImageSpec& other) const { return !(*this == other); }
};

struct Image {
  int channels = 0, height = 0, width = 0;
  std::vector<float> chw;  // channels * height * width, ready for the network
};

// A data set. All members may be called from several threads at once. An index outside [0, size()) throws
// std::out_of_range; data that cannot be used throws InputError.
class Workload {
 public:
  virtual ~Workload();
  virtual std::string name() const = 0;         // "fashion-mnist", "imagenet", "synthetic-imagenet"
  virtual std::string data_source() const = 0;  // one line for the manifest: path and counts, or the seed
  virtual int64_t size() const = 0;             // at least 1
  virtual int classes() const = 0;
  virtual bool labelled() const = 0;
  // Decodes and preprocesses: keep it untimed.
  virtual Image input(int64_t n, const ImageSpec& spec) const = 0;
  virtual int label(int64_t n) const = 0;             // [0, classes()), -1 where there is none
  virtual std::string input_id(int64_t n) const = 0;  // file name or index
};

struct Judgement {
  bool top1 = false, top5 = false;
};

// Ranks `label` among `classes` scores, higher is better; of equal scores the lower index wins. Never
// correct: a label outside [0, classes), and scores with a NaN among them.
Judgement judge(const float* scores, int classes, int label);

// `count` indices of [0, size) in seeded order without replacement, with a new permutation each time all are
// used up. The same on every platform; a shorter order is the beginning of a longer one.
// Throws InputError where count < 0 or size < 1.
std::vector<int64_t> sample_order(int64_t size, int64_t count, uint64_t seed);

}  // namespace alertbench
