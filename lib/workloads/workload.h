// The seam between data sets and everything that runs networks on them: what a network wants to be fed
// (ImageSpec), what it gets (NetworkInput), and how right its answer is (Correctness).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/types.h"

namespace alertbench {

// How a network wants its images; fed value = (pixel - mean[c]) * scale[c], pixel 0..255 after resizing.
struct ImageSpec {
  int channels = 3;  // 3 = RGB, 1 = grey (mean[0] and scale[0] count)
  int height = 224, width = 224;
  std::array<float, 3> mean{0, 0, 0}, scale{1, 1, 1};
  std::string resize = "bilinear";  // or "bicubic"
  float crop = 0.875f;              // side of the central square crop / shorter side of the image, (0, 1]

  bool operator==(const ImageSpec& other) const;
  bool operator!=(const ImageSpec& other) const { return !(*this == other); }
};

struct Image {
  int channels = 0, height = 0, width = 0;
  std::vector<float> chw;  // channels * height * width, ready for the network
};

// The next word of a text is asked for. The network has read words[begin..position) one by one, from a state
// of zeros, and reads words[position] now.
struct WordInText {
  const std::vector<int32_t>* words = nullptr;  // the workload's own, which outlives every network
  int64_t begin = 0, position = 0;
};

// Token ids that are read at once, and which of them belong together (BERT's segments).
struct TokenWindow {
  std::vector<int64_t> ids, types;
};

// A question with its context, which may take several windows.
struct TokenWindows {
  std::vector<TokenWindow> windows;
};

// One image as each member of a cascade wants it, in their order. Networks copy what they need of the images
// while the input is set.
struct ImagePerMember {
  std::vector<const Image*> images;
};

using NetworkInput = std::variant<Image, WordInText, TokenWindows, ImagePerMember>;

// A data set. All members may be called from several threads at once. An index outside [0, size()) throws
// std::out_of_range; data that cannot be used throws InputError.
class Workload {
 public:
  virtual ~Workload();
  virtual std::string name() const = 0;         // "fashion-mnist", "imagenet", "ptb", ...
  virtual std::string data_source() const = 0;  // one line for the manifest: path and counts, or the seed
  virtual int64_t size() const = 0;             // at least 1
  virtual int classes() const = 0;  // scores that a network gives for an input; 0: that depends on the input
  virtual bool labelled() const = 0;
  virtual std::string input_id(int64_t n) const = 0;  // file name, index or place
  virtual InputFacts facts(int64_t) const { return {}; }
  virtual std::string size_unit() const { return ""; }  // of InputFacts::size; empty: inputs do not differ
  // Which inputs make up a run of `count`, in order. As a rule sample_order() of them all.
  virtual std::vector<int64_t> order(int64_t count, uint64_t seed) const;

  // Decodes and preprocesses: keep it untimed. `spec` is for networks that take images.
  virtual NetworkInput network_input(int64_t n, const ImageSpec& spec) const = 0;
  // Of a network's scores for input n; only where labelled().
  virtual Correctness judge(int64_t n, const std::vector<float>& scores) const = 0;
  // Of the guess that stands in for an output that did not come in time, and how accurate it is on the whole,
  // 0..1, in the unit of the workload's profiles (core/profile.h).
  virtual Correctness missed(int64_t n) const = 0;
  virtual double fail_accuracy() const = 0;
};

// Images with one label each; a missed one counts as a random guess, and is never right.
class ImageWorkload : public Workload {
 public:
  virtual Image input(int64_t n, const ImageSpec& spec) const = 0;
  virtual int label(int64_t n) const = 0;  // [0, classes()), -1 where there is none

  NetworkInput network_input(int64_t n, const ImageSpec& spec) const final { return input(n, spec); }
  Correctness judge(int64_t n, const std::vector<float>& scores) const final;
  Correctness missed(int64_t n) const final;
  double fail_accuracy() const final { return 1.0 / classes(); }
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
