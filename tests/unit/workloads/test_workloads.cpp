#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "catch.h"
#include "workloads/preprocess.h"
#include "workloads/synthetic.h"
#include "workloads/workload_factory.h"

using namespace alertbench;

namespace {

ImageSpec raw(int channels, int height, int width, float crop = 1) {
  ImageSpec spec;
  spec.channels = channels, spec.height = height, spec.width = width, spec.crop = crop;
  return spec;
}

// What a network that takes images gets.
std::vector<float> fed(const Workload& workload, int64_t n, const ImageSpec& spec) {
  return std::get<Image>(workload.network_input(n, spec)).chw;
}

void check_near(const std::vector<float>& got, const std::vector<float>& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("index " << i);
    CHECK(got[i] == Approx(expected[i]).margin(1e-4));
  }
}

}  // namespace

TEST_CASE("judge ranks the label among the scores", "[workloads]") {
  const std::vector<float> scores{0.1f, 0.9f, 0.3f, 0.2f, 0.5f, 0.4f, 0.0f};
  const int classes = static_cast<int>(scores.size());
  CHECK(judge(scores.data(), classes, 1).top1);
  CHECK(judge(scores.data(), classes, 1).top5);
  CHECK_FALSE(judge(scores.data(), classes, 4).top1);
  CHECK(judge(scores.data(), classes, 3).top5);
  CHECK_FALSE(judge(scores.data(), classes, 0).top5);
  CHECK_FALSE(judge(scores.data(), classes, -1).top5);
  CHECK_FALSE(judge(scores.data(), classes, classes).top5);
}

TEST_CASE("judge: of equal scores the lower index wins", "[workloads]") {
  const std::vector<float> equal(7, 1.0f);
  CHECK(judge(equal.data(), 7, 0).top1);
  CHECK_FALSE(judge(equal.data(), 7, 1).top1);
  CHECK(judge(equal.data(), 7, 4).top5);
  CHECK_FALSE(judge(equal.data(), 7, 5).top5);
}

TEST_CASE("judge: scores with a NaN are never correct, infinities are scores", "[workloads]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> one_nan{0, 5, nan}, all_nan{nan, nan, nan}, infinite{-inf, inf, 0};
  CHECK_FALSE(judge(one_nan.data(), 3, 1).top1);
  CHECK_FALSE(judge(one_nan.data(), 3, 1).top5);
  CHECK_FALSE(judge(all_nan.data(), 3, 0).top5);
  CHECK(judge(infinite.data(), 3, 1).top1);
}

TEST_CASE("sample_order is the same everywhere", "[workloads]") {
  // From a second implementation, in Python.
  CHECK(sample_order(10, 10, 1) == std::vector<int64_t>{9, 0, 1, 4, 8, 2, 3, 7, 6, 5});
  CHECK(sample_order(10, 10, 2) == std::vector<int64_t>{7, 0, 3, 2, 8, 1, 9, 4, 6, 5});
  CHECK(sample_order(50000, 6, 1) == std::vector<int64_t>{24264, 30496, 10071, 44112, 48947, 18507});
  CHECK(sample_order(3, 8, 7) == std::vector<int64_t>{2, 0, 1, 0, 1, 2, 2, 0});
}

TEST_CASE("sample_order draws without replacement, and wraps", "[workloads]") {
  const auto order = sample_order(100, 250, 3);
  REQUIRE(order.size() == 250);
  CHECK(std::set<int64_t>(order.begin(), order.begin() + 100).size() == 100);
  CHECK(std::set<int64_t>(order.begin() + 100, order.begin() + 200).size() == 100);
  CHECK(std::set<int64_t>(order.begin() + 200, order.end()).size() == 50);
  CHECK(std::vector<int64_t>(order.begin(), order.begin() + 100) !=
        std::vector<int64_t>(order.begin() + 100, order.begin() + 200));
  const auto shorter = sample_order(100, 120, 3);
  CHECK(std::equal(shorter.begin(), shorter.end(), order.begin()));
  CHECK(sample_order(100, 0, 3).empty());
  CHECK(sample_order(1, 3, 3) == std::vector<int64_t>{0, 0, 0});
  CHECK_THROWS_AS(sample_order(0, 1, 3), InputError);
  CHECK_THROWS_AS(sample_order(5, -1, 3), InputError);
}

TEST_CASE("a resize to the same size is the identity", "[workloads]") {
  Pixels pixels{1, 28, 28, {}};
  for (int i = 0; i < 28 * 28; ++i) pixels.hwc.push_back(static_cast<uint8_t>(i * 37));
  const auto same = preprocess(pixels, raw(1, 28, 28));
  CHECK(same.chw == std::vector<float>(pixels.hwc.begin(), pixels.hwc.end()));
}

TEST_CASE("bilinear resize against values by hand", "[workloads]") {
  // Upwards, 2 -> 4: output centres lie at -0.25 (clamped to 0), 0.25, 0.75, 1.25 (clamped to 1).
  const Pixels square{1, 2, 2, {0, 100, 200, 40}};
  check_near(preprocess(square, raw(1, 4, 4)).chw,
             {0, 25, 75, 100, 50, 59, 76, 85, 150, 126, 79, 55, 200, 160, 80, 40});
  // Downwards by 2: weights 1/4 3/4 3/4 1/4, those outside the image left out, over their sum.
  const Pixels ramp{1, 4, 4, {0, 40, 80, 120, 0, 40, 80, 120, 0, 40, 80, 120, 0, 40, 80, 120}};
  check_near(preprocess(ramp, raw(1, 2, 2)).chw, {29, 91, 29, 91});  // 50 / 1.75, 160 / 1.75
  Pixels longer{1, 8, 8, {}};
  for (int i = 0; i < 64; ++i) longer.hwc.push_back(static_cast<uint8_t>(20 * (i % 8)));
  const auto halved = preprocess(longer, raw(1, 4, 4)).chw;
  check_near({halved.begin(), halved.begin() + 4}, {14, 50, 90, 126});
  // Every pixel counts; the four in the middle alone would give 25. Weights 5 7 7 5 over 24: the rows become
  // 255, 115, 127 (126.67), 255, these 176.83.
  const Pixels four{1, 4, 4, {255, 255, 255, 255, 255, 10, 20, 255, 255, 30, 40, 255, 255, 255, 255, 255}};
  check_near(preprocess(four, raw(1, 1, 1)).chw, {177});
  // Height and width are not mixed up.
  check_near(preprocess(square, raw(1, 1, 2)).chw, {100, 70});
  check_near(preprocess(square, raw(1, 2, 1)).chw, {50, 120});
}

// The values are Pillow's, of `image.resize(..., Image.BICUBIC, box=...)`.
TEST_CASE("bicubic resize is Pillow's", "[workloads]") {
  const auto cubic = [](ImageSpec spec) {
    spec.resize = "bicubic";
    return spec;
  };
  const Pixels square{1, 2, 2, {0, 100, 200, 40}};
  CHECK(preprocess(square, cubic(raw(1, 4, 4))).chw ==
        std::vector<float>{0, 8, 80, 116, 44, 51, 78, 92, 170, 137, 74, 43, 233, 180, 72, 19});
  const Pixels four{1, 4, 4, {255, 255, 255, 255, 255, 10, 20, 255, 255, 30, 40, 255, 255, 255, 255, 255}};
  CHECK(preprocess(four, cubic(raw(1, 2, 2))).chw == std::vector<float>{175, 177, 179, 181});
  const auto wider = preprocess(four, cubic(raw(1, 8, 8, 0.625f))).chw;  // overshoots to either side
  CHECK(std::vector<float>(wider.begin() + 16, wider.begin() + 32) ==
        std::vector<float>{166, 70, 3, 0, 0, 13, 79, 170, 160, 57, 0, 0, 0, 0, 67, 164});
  Pixels large{1, 28, 28, {}};
  for (int i = 0; i < 28 * 28; ++i) large.hwc.push_back(static_cast<uint8_t>(i * 37 + i / 28 * 91));
  const auto sums = [&](int size, float crop) {
    int64_t plain = 0, weighted = 0, place = 0;
    for (const float value : preprocess(large, cubic(raw(1, size, size, crop))).chw) {
      plain += static_cast<int64_t>(value);
      weighted += static_cast<int64_t>(value) * ++place;
    }
    return std::pair(plain, weighted);
  };
  CHECK(sums(17, 0.8f) == std::pair<int64_t, int64_t>(36882, 5352099));
  CHECK(sums(60, 0.9f) == std::pair<int64_t, int64_t>(462431, 831010453));
}

TEST_CASE("the resize rounds to 8 bits after each pass, horizontal first", "[workloads]") {
  // Horizontally 6 becomes 0 1.5 4.5 6, rounded 0 2 5 6; vertically each falls to 3/4 and 1/4 of that.
  // Vertical first, or one rounding at the end, would give 1 for the 2 in the second row.
  const Pixels corner{1, 2, 2, {0, 6, 0, 0}};
  check_near(preprocess(corner, raw(1, 4, 4)).chw, {0, 2, 5, 6, 0, 2, 4, 5, 0, 1, 1, 2, 0, 0, 0, 0});
}

TEST_CASE("preprocess splits the channels and normalises each", "[workloads]") {
  const Pixels pixels{3, 1, 1, {10, 20, 30}};
  auto spec = raw(3, 1, 1);
  spec.mean = {1, 2, 3}, spec.scale = {2, 0.5f, -1};
  check_near(preprocess(pixels, spec).chw, {18, 9, -27});
  const auto image = preprocess({3, 2, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, raw(3, 2, 2));
  CHECK(image.chw == std::vector<float>{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12});
  CHECK(image.channels == 3);
  CHECK(image.height == 2);
  CHECK(image.width == 2);
}

TEST_CASE("the crop is square and central", "[workloads]") {
  Pixels wide{1, 2, 6, {}};
  for (uint8_t i = 0; i < 12; ++i) wide.hwc.push_back(i);
  check_near(preprocess(wide, raw(1, 2, 2)).chw, {2, 3, 8, 9});
  const Pixels tall{1, 6, 2, wide.hwc};
  check_near(preprocess(tall, raw(1, 2, 2)).chw, {4, 5, 6, 7});
  Pixels eight{1, 8, 8, {}};
  for (uint8_t i = 0; i < 64; ++i) eight.hwc.push_back(i);
  check_near(preprocess(eight, raw(1, 2, 2, 0.25f)).chw, {27, 28, 35, 36});
}

TEST_CASE("the crop may begin and end within a pixel", "[workloads]") {
  // 0.625 of 4: from 0.75 to 3.25.
  const Pixels four{1, 4, 4, {0, 60, 120, 240, 0, 60, 120, 240, 0, 60, 120, 240, 0, 60, 120, 240}};
  // One pixel: centre 2, weights 1/6 1/3 1/3 1/6.
  check_near(preprocess(four, raw(1, 1, 1, 0.625f)).chw, {100});
  // Two: centres 1.375 and 2.625, weights 0.3 0.9 0.1 and 0.1 0.9 0.3 over 1.3.
  check_near(preprocess(four, raw(1, 2, 2, 0.625f)).chw, {51, 143, 51, 143});
  // No whole pixel between the edges: half of each neighbour.
  check_near(preprocess({1, 2, 2, {10, 20, 30, 40}}, raw(1, 1, 1, 0.0001f)).chw, {25});
  check_near(preprocess({1, 1, 1, {9}}, raw(1, 1, 1, 0.1f)).chw, {9});
  // The margin of an oblong image is a box too: 3 wide, 2 high, from 0.5 to 2.5.
  check_near(preprocess({1, 2, 3, {0, 10, 20, 100, 110, 120}}, raw(1, 2, 2)).chw, {5, 15, 105, 115});
}

TEST_CASE("preprocess refuses what it cannot do", "[workloads]") {
  const Pixels pixels{1, 1, 1, {7}};
  CHECK_THROWS_AS(preprocess(pixels, raw(3, 1, 1)), InputError);
  CHECK_THROWS_AS(preprocess(pixels, raw(1, 0, 1)), InputError);
  CHECK_THROWS_AS(preprocess(pixels, raw(1, 1, 1 << 20)), InputError);
  for (const float crop : {0.0f, -1.0f, 1.01f, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THROWS_AS(preprocess(pixels, raw(1, 1, 1, crop)), InputError);
  }
  auto spec = raw(1, 1, 1);
  spec.resize = "lanczos";
  CHECK_THROWS_AS(preprocess(pixels, spec), InputError);
}

TEST_CASE("specs compare by all their parts", "[workloads]") {
  const ImageSpec spec;
  CHECK(spec == ImageSpec{});
  auto other = spec;
  other.crop = 1;
  CHECK(spec != other);
  other = spec;
  other.scale[2] = 2;
  CHECK(spec != other);
}

TEST_CASE("synthetic images are a function of seed and index, and not flat", "[workloads]") {
  const SyntheticImages one(1), two(2);
  const auto spec = raw(3, 64, 48);
  const auto image = one.input(5, spec);
  CHECK(image.chw.size() == 3u * 64 * 48);
  CHECK(image.chw == SyntheticImages(1).input(5, spec).chw);
  CHECK(image.chw != one.input(6, spec).chw);
  CHECK(image.chw != two.input(5, spec).chw);
  CHECK(two.input(4, spec).chw != image.chw);
  const auto [low, high] = std::minmax_element(image.chw.begin(), image.chw.end());
  CHECK(*low >= 0);
  CHECK(*high <= 255);
  CHECK(*high - *low > 50);
  CHECK(one.input(49999, raw(1, 8, 8)).chw.size() == 64);
  // Golden, from a second implementation in Python: the pixels at the corner and beside it.
  const auto first = one.input(0, raw(1, 256, 256));
  CHECK(std::vector<float>(first.chw.begin(), first.chw.begin() + 4) ==
        std::vector<float>{105, 102, 114, 96});
  CHECK_FALSE(one.labelled());
  CHECK(one.label(0) == -1);
  CHECK(one.input_id(17) == "synthetic/17");
  CHECK(one.data_source() == "synthetic, seed 1");
  CHECK_THROWS_AS(one.input(50000, spec), std::out_of_range);
  CHECK_THROWS_AS(one.label(-1), std::out_of_range);
  CHECK_THROWS_AS(one.input(0, raw(2, 8, 8)), InputError);
}

TEST_CASE("the factory knows its names", "[workloads]") {
  const auto made = make_workload("imagenet", "", 9);
  CHECK(made->name() == "synthetic-imagenet");
  CHECK(made->data_source() == "synthetic, seed 9");
  CHECK_FALSE(made->labelled());
  CHECK(fed(*make_workload("synthetic-imagenet", "", 9), 3, {}) == fed(*made, 3, {}));
  CHECK_THROWS_AS(make_workload("synthetic-imagenet", "/tmp", 1), InputError);
  CHECK_THROWS_AS(make_workload("imagenet", "/no/such/folder", 1), InputError);
  CHECK_THROWS_AS(make_workload("fashion-mnist", "/no/such/folder", 1), InputError);
  try {
    make_workload("cifar", "", 1);
    FAIL("an unknown name was taken");
  } catch (const InputError& error) {
    const std::string text = error.what();
    for (const char* part : {"cifar", "fashion-mnist", "imagenet", "ptb", "squad"})
      CHECK(text.find(part) != std::string::npos);
  }
}
