#include "workloads/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "base/random.h"
#include "workloads/preprocess.h"

namespace alertbench {
namespace {

constexpr int side = 256;
constexpr int knot_spacing = 32;
constexpr int knots = side / knot_spacing + 1;
constexpr int noise = 12;

// Integers only: the pixels are the same on every platform.
Pixels draw(Random& random, int channels) {
  const auto depth = static_cast<size_t>(channels);
  Pixels pixels{channels, side, side, std::vector<uint8_t>(depth * side * side)};
  for (size_t c = 0; c < depth; ++c) {
    int field[knots][knots];
    for (auto& row : field) {
      for (int& knot : row) knot = static_cast<int>(random.below(256));
    }
    for (int y = 0; y < side; ++y) {
      const int j = y / knot_spacing, v = y % knot_spacing, not_v = knot_spacing - v;
      for (int x = 0; x < side; ++x) {
        const int i = x / knot_spacing, u = x % knot_spacing, not_u = knot_spacing - u;
        const int smooth = (not_v * (not_u * field[j][i] + u * field[j][i + 1]) +
                            v * (not_u * field[j + 1][i] + u * field[j + 1][i + 1])) /
                           (knot_spacing * knot_spacing);
        const int value = smooth + static_cast<int>(random.below(2 * noise + 1)) - noise;
        pixels.hwc[static_cast<size_t>(y * side + x) * depth + c] =
            static_cast<uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
  return pixels;
}

}  // namespace

std::string SyntheticImages::data_source() const { return fmt::format("synthetic, seed {}", seed_); }

void SyntheticImages::check(int64_t n) const {
  if (n < 0 || n >= size()) throw std::out_of_range(fmt::format("synthetic-imagenet: no image {}", n));
}

Image SyntheticImages::input(int64_t n, const ImageSpec& spec) const {
  check(n);
  if (spec.channels != 1 && spec.channels != 3) {
    throw InputError(fmt::format("input: {} channels; expected 1 or 3", spec.channels));
  }
  // The seed goes through the generator first, so that (seed, n + 1) and (seed + 1, n) differ.
  Random random(Random(seed_).next() + static_cast<uint64_t>(n));
  return preprocess(draw(random, spec.channels), spec);
}

int SyntheticImages::label(int64_t n) const {
  check(n);
  return -1;
}

std::string SyntheticImages::input_id(int64_t n) const {
  check(n);
  return fmt::format("synthetic/{}", n);
}

}  // namespace alertbench
