#include "workloads/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr int max_side = 8192;

void check(const ImageSpec& spec, int channels) {
  if (spec.resize != "bilinear" && spec.resize != "bicubic") {
    throw InputError(fmt::format("input: resize '{}' is unknown; known: bilinear, bicubic", spec.resize));
  }
  if (spec.height < 1 || spec.height > max_side || spec.width < 1 || spec.width > max_side) {
    throw InputError(fmt::format("input: {}x{} pixels (height x width) is outside 1..{}", spec.height,
                                 spec.width, max_side));
  }
  if (!(spec.crop > 0 && spec.crop <= 1)) {
    throw InputError(fmt::format("input: crop {} is outside (0, 1]", spec.crop));
  }
  if (spec.channels != channels) {
    throw InputError(
        fmt::format("input: the network requires {} channels, but the images of this data set have {}",
                    spec.channels, channels));
  }
}

// Weights are fixed-point numbers with this many fractional bits, as Pillow's. They sum to about 1, so that a
// blend of bytes fits an int, also where some are negative (of the cubic, at most an eighth of the sum).
constexpr int weight_bits = 22;

// What one output pixel is made of, along one axis: the source pixels from `first`, weighted.
struct Taps {
  int first;
  std::vector<int> weights;
};

struct Filter {
  double (*height)(double distance);
  double reach;
};

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

int to_fixed_point(double weight) {
  return static_cast<int>(weight * (1 << weight_bits) + (weight < 0 ? -0.5 : 0.5));
}

// Resize of the stretch [begin, end) of an axis with `from` pixels to `to` pixels. Pixel i covers [i, i + 1).
std::vector<Taps> taps_of(const Filter& filter, int from, float begin, float end, int to) {
  const double step = static_cast<double>(end - begin) / to;
  const double stretch = std::max(1.0, step), narrow = 1 / stretch, reach = filter.reach * stretch;
  std::vector<Taps> result;
  result.reserve(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double centre = begin + (i + 0.5) * step;
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int last = std::min(from, static_cast<int>(centre + reach + 0.5));
    std::vector<double> heights;
    double sum = 0;
    for (int x = first; x < last; ++x) {
      heights.push_back(filter.height((x - centre + 0.5) * narrow));
      sum += heights.back();
    }
    Taps taps{first, {}};
    for (const double height : heights) taps.weights.push_back(to_fixed_point(height / sum));
    result.push_back(std::move(taps));
  }
  return result;
}

// Neighbours along the axis are `stride` bytes apart; `axis` is its beginning.
uint8_t blend(const uint8_t* axis, size_t stride, const Taps& taps) {
  int sum = 1 << (weight_bits - 1);
  const uint8_t* pixel = axis + static_cast<size_t>(taps.first) * stride;
  for (const int weight : taps.weights) {
    sum += weight * *pixel;
    pixel += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

}  // namespace

Image preprocess(const Pixels& pixels, const ImageSpec& spec) {
  check(spec, pixels.channels);
  const double side = static_cast<double>(spec.crop) * std::min(pixels.height, pixels.width);
  const Filter filter = spec.resize == "bicubic" ? Filter{cubic, 2} : Filter{triangle, 1};
  const auto taps = [side, &filter](int from, int to) {
    // float: so Pillow takes the box
    return taps_of(filter, from, static_cast<float>((from - side) / 2), static_cast<float>((from + side) / 2),
                   to);
  };
  const auto columns = taps(pixels.width, spec.width);
  const auto rows = taps(pixels.height, spec.height);

  const auto channels = static_cast<size_t>(pixels.channels);
  const auto height = static_cast<size_t>(pixels.height), width = static_cast<size_t>(pixels.width);
  Image image{spec.channels, spec.height, spec.width, {}};
  image.chw.reserve(channels * rows.size() * columns.size());
  std::vector<uint8_t> narrowed(height * columns.size());  // one channel after the horizontal pass
  for (size_t c = 0; c < channels; ++c) {
    for (size_t y = 0; y < height; ++y) {
      const uint8_t* line = pixels.hwc.data() + y * width * channels + c;
      for (size_t x = 0; x < columns.size(); ++x) {
        narrowed[y * columns.size() + x] = blend(line, channels, columns[x]);
      }
    }
    for (const Taps& row : rows) {
      for (size_t x = 0; x < columns.size(); ++x) {
        const uint8_t value = blend(narrowed.data() + x, columns.size(), row);
        image.chw.push_back((static_cast<float>(value) - spec.mean[c]) * spec.scale[c]);
      }
    }
  }
  return image;
}

}  // namespace alertbench
