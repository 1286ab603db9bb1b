#include "models/direct_conv.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace alertbench {

constexpr int64_t BlockedLayer::lanes;

BlockedLayer::BlockedLayer(int64_t channels, int64_t size) : channels_(channels), size_(size) {
  constexpr size_t cache_line = 64;
  const auto bytes = static_cast<size_t>(channels / lanes * plane()) * sizeof(float);
  void* memory = std::aligned_alloc(cache_line, (bytes + cache_line - 1) / cache_line * cache_line);
  if (!memory) throw std::bad_alloc();
  numbers_.reset(static_cast<float*>(memory));
  std::fill_n(numbers_.get(), channels / lanes * plane(), 0.0f);
}

void BlockedLayer::Free::operator()(float* numbers) const { std::free(numbers); }

PlainLayer::PlainLayer(int64_t channel_count, int64_t side, int64_t width)
    : channels(channel_count),
      size(side),
      border(width),
      numbers(static_cast<size_t>(channel_count * (side + 2 * width) * (side + 2 * width)), 0.0f) {}

void PlainLayer::set(const float* chw) {
  const int64_t row = size + 2 * border;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < size; ++y, chw += size)
      std::copy_n(chw, size, numbers.data() + (c * row + y + border) * row + border);
}

// How the input lies in memory: `numbers` is what the kernel's first weight reads for the first pixel, and
// `group` channels of a pixel lie side by side.
struct DirectConv::Source {
  const float* numbers;
  int64_t pixel, row, plane, group;
};

DirectConv::DirectConv(const float* weight, const float* bias, const DirectConvShape& shape)
    : shape_(shape), bias_(bias, bias + shape.out) {
  // As the code below reads them: for 16 channels of the output (8 at the end where that many are left) the
  // channels of the input by eights, the kernel's pixels, the channels within, and then the 16.
  const int64_t lanes = BlockedLayer::lanes, square = shape.kernel * shape.kernel;
  const int64_t group = shape.plain_input ? 1 : lanes;
  weight_.reserve(static_cast<size_t>(shape.out * shape.in * square));
  for (int64_t first = 0; first < shape.out; first += 2 * lanes) {
    const int64_t last = std::min(first + 2 * lanes, shape.out);
    for (int64_t in = 0; in < shape.in; in += group)
      for (int64_t k = 0; k < square; ++k)
        for (int64_t c = in; c < in + group; ++c)
          for (int64_t o = first; o < last; ++o) weight_.push_back(weight[(o * shape.in + c) * square + k]);
  }
}

#ifdef __x86_64__
namespace {

#define ALERT_AVX2 __attribute__((target("avx2,fma")))

// The part of a convolution that gives 8 or 16 channels.
struct DirectPart {
  const float* in;
  int64_t in_pixel, in_row, in_plane, groups, kernel;  // in_pixel, in_row: between neighbours in the output
  int64_t tap_pixel, tap_row;                          // between neighbours under the kernel
  const float *weight, *bias, *add;
  float* out;
  int64_t out_row, out_plane, size;
  bool relu;
};

// `pixels` pixels of the output from (y, x) on, in reading order, by 8 * `vectors` channels. Group: channels
// of the input that lie side by side.
template <int pixels, int vectors, int group>
ALERT_AVX2 inline __attribute__((always_inline)) void direct_tile(const DirectPart& p, int64_t& y,
                                                                  int64_t& x) {
  constexpr int64_t lanes = BlockedLayer::lanes;
  __m256 sum[pixels][vectors];
  const float* in[pixels];
  int64_t out[pixels];
  for (int i = 0; i < pixels; ++i) {
    in[i] = p.in + y * p.in_row + x * p.in_pixel;
    out[i] = y * p.out_row + x * lanes;
    if (++x == p.size) x = 0, ++y;
    for (int v = 0; v < vectors; ++v) sum[i][v] = _mm256_loadu_ps(p.bias + lanes * v);
  }
  const float* weight = p.weight;
  for (int64_t g = 0; g < p.groups; ++g)
    for (int64_t ky = 0; ky < p.kernel; ++ky)
      for (int64_t kx = 0; kx < p.kernel; ++kx) {
        const int64_t tap = g * p.in_plane + ky * p.tap_row + kx * p.tap_pixel;
#pragma GCC unroll 8
        for (int c = 0; c < group; ++c) {
          __m256 w[vectors];
          for (int v = 0; v < vectors; ++v) w[v] = _mm256_loadu_ps(weight + lanes * v);
          weight += lanes * vectors;
#pragma GCC unroll 6
          for (int i = 0; i < pixels; ++i) {
            const __m256 value = _mm256_broadcast_ss(in[i] + tap + c);
            for (int v = 0; v < vectors; ++v) sum[i][v] = _mm256_fmadd_ps(value, w[v], sum[i][v]);
          }
        }
      }
  for (int i = 0; i < pixels; ++i)
    for (int v = 0; v < vectors; ++v) {
      const int64_t at = out[i] + v * p.out_plane;
      __m256 result = sum[i][v];
      if (p.add) result = _mm256_add_ps(result, _mm256_loadu_ps(p.add + at));
      if (p.relu) result = _mm256_max_ps(result, _mm256_setzero_ps());
      _mm256_storeu_ps(p.out + at, result);
    }
}

template <int vectors, int group>
ALERT_AVX2 void direct_part(const DirectPart& p) {
  constexpr int64_t at_once = 6;  // 12 sums, 2 weights and 1 value fill the 16 registers
  const int64_t pixels = p.size * p.size;
  int64_t y = 0, x = 0, i = 0;
  for (; i + at_once <= pixels; i += at_once) direct_tile<at_once, vectors, group>(p, y, x);
  switch (pixels - i) {
    case 5:
      return direct_tile<5, vectors, group>(p, y, x);
    case 4:
      return direct_tile<4, vectors, group>(p, y, x);
    case 3:
      return direct_tile<3, vectors, group>(p, y, x);
    case 2:
      return direct_tile<2, vectors, group>(p, y, x);
    case 1:
      return direct_tile<1, vectors, group>(p, y, x);
    default:
      return;
  }
}

}  // namespace

bool DirectConv::possible() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void DirectConv::run(const Source& from, BlockedLayer& to, int64_t first, const BlockedLayer* add,
                     bool relu) const {
  constexpr int64_t lanes = BlockedLayer::lanes;
  const int64_t step = from.group * shape_.kernel * shape_.kernel;
  DirectPart part{from.numbers,
                  shape_.stride * from.pixel,
                  shape_.stride * from.row,
                  from.plane,
                  shape_.in / from.group,
                  shape_.kernel,
                  from.pixel,
                  from.row,
                  weight_.data(),
                  bias_.data(),
                  nullptr,
                  nullptr,
                  to.row(),
                  to.plane(),
                  to.size(),
                  relu};
  for (int64_t done = 0; done < shape_.out;) {
    const bool two = shape_.out - done >= 2 * lanes;
    const int64_t at = (first + done) / lanes * to.plane() + to.inside();
    part.out = to.numbers() + at;
    part.add = add ? add->numbers() + at : nullptr;
    if (from.group == lanes)
      two ? direct_part<2, lanes>(part) : direct_part<1, lanes>(part);
    else
      two ? direct_part<2, 1>(part) : direct_part<1, 1>(part);
    const int64_t channels = two ? 2 * lanes : lanes;
    done += channels;
    part.weight += channels * step * part.groups;
    part.bias += channels;
  }
}

#else

bool DirectConv::possible() { return false; }

void DirectConv::run(const Source&, BlockedLayer&, int64_t, const BlockedLayer*, bool) const { std::abort(); }

#endif

void DirectConv::run(const BlockedLayer& from, BlockedLayer& to, int64_t first, const BlockedLayer* add,
                     bool relu) const {
  const int64_t lanes = BlockedLayer::lanes, out_of_border = BlockedLayer::border - shape_.kernel / 2;
  run({from.numbers() + out_of_border * (from.row() + lanes), lanes, from.row(), from.plane(), lanes}, to,
      first, add, relu);
}

void DirectConv::run(const PlainLayer& from, BlockedLayer& to, int64_t first, bool relu) const {
  const int64_t row = from.size + 2 * from.border, out_of_border = from.border - shape_.kernel / 2;
  run({from.numbers.data() + out_of_border * (row + 1), 1, row, row * row, 1}, to, first, nullptr, relu);
}

void pool_blocked(const BlockedLayer& from, BlockedLayer& to, int64_t first, int64_t count) {
  constexpr int64_t lanes = BlockedLayer::lanes;
  for (int64_t b = first / lanes; b < (first + count) / lanes; ++b)
    for (int64_t y = 0; y < to.size(); ++y)
      for (int64_t x = 0; x < to.size(); ++x) {
        const float* in = from.numbers() + b * from.plane() + 2 * (y * from.row() + x * lanes);
        float* out = to.numbers() + b * to.plane() + to.inside() + y * to.row() + x * lanes;
        std::fill_n(out, lanes, 0.0f);
        for (int64_t ky = 0; ky < 3; ++ky)
          for (int64_t kx = 0; kx < 3; ++kx)
            for (int64_t c = 0; c < lanes; ++c)
              out[c] = std::max(out[c], in[ky * from.row() + kx * lanes + c]);
      }
}

void mean_of_blocked(const BlockedLayer& layer, int64_t first, int64_t count, float* means) {
  constexpr int64_t lanes = BlockedLayer::lanes;
  const auto pixels = static_cast<float>(layer.size() * layer.size());
  for (int64_t b = first / lanes; b < (first + count) / lanes; ++b, means += lanes) {
    float sum[lanes] = {};
    const float* row = layer.numbers() + b * layer.plane() + layer.inside();
    for (int64_t y = 0; y < layer.size(); ++y, row += layer.row())
      for (int64_t x = 0; x < layer.size(); ++x)
        for (int64_t c = 0; c < lanes; ++c) sum[c] += row[x * lanes + c];
    for (int64_t c = 0; c < lanes; ++c) means[c] = sum[c] / pixels;
  }
}

}  // namespace alertbench
