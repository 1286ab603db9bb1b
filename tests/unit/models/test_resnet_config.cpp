#include <numeric>

#include "catch.h"
#include "models/network_file.h"
#include "models/state_dict_file.h"
#include "models/zoo/families.h"

using namespace alertbench;

TEST_CASE("resnet: one stripe costs what the same network costs in the zoo", "[resnet]") {
  ResnetConfig c;
  c.groups = {{2, 64, 1}, {2, 128, 2}, {2, 256, 2}, {2, 512, 2}};
  CHECK(c.parameters() == 11'689'512);
  CHECK(c.multiply_accumulates() ==
        std::vector<int64_t>{zoo::multiply_accumulates(zoo::resnet(18, 224, 1000))});
  c.bottleneck = true;
  c.groups = {{3, 64, 1}, {4, 128, 2}, {6, 256, 2}, {3, 512, 2}};
  c.input_size = 75;  // rounds at every stride
  CHECK(c.parameters() == 25'557'032);
  CHECK(c.multiply_accumulates() ==
        std::vector<int64_t>{zoo::multiply_accumulates(zoo::resnet(50, 75, 1000))});
}

TEST_CASE("resnet: a stripe costs the edges that it has", "[resnet]") {
  ResnetConfig c;
  c.in_channels = 1;
  c.classes = 10;
  c.input_size = 8;
  c.stripes = 2;
  c.stem_width = 4;
  c.stem_kernel = 3;
  c.stem_stride = 1;
  c.stem_pool = false;
  c.groups = {{1, 4, 1}};
  // Stem: 2 rows of 1 input each. Block: twice 2 rows, of 2 inputs in the first stripe, of 4 in the second.
  // No shortcut.
  const int64_t stem = 2 * 9, first = 2 * 2 * 9, second = 2 * 4 * 9, side = 64;
  CHECK(c.multiply_accumulates() ==
        std::vector<int64_t>{(stem + 2 * first) * side + 20,
                             (2 * stem + 2 * first + 2 * second) * side + 20 + 40});
  CHECK(c.parameters() == 2 * stem + 2 * first + 2 * second + 3 * 8 + (20 + 10) + (40 + 10));
}

TEST_CASE("resnet: parameters are what the shipped weights hold", "[resnet]") {
  const NetworkFile file = NetworkFile::read(ALERT_SOURCE_DIR "/networks/fashion-mnist.json", false);
  for (const NetworkSpec& n : file.networks) {
    INFO(n.name);
    int64_t numbers = 0;
    const StateDictFile weights = StateDictFile::read(n.weights);
    for (const StoredTensor& t : weights.tensors())
      if (t.name.find("running_") == std::string::npos)
        numbers += std::accumulate(t.shape.begin(), t.shape.end(), int64_t{1}, std::multiplies<int64_t>());
    CHECK(n.parameters() == numbers);
  }
  // As LibTorch's module counted them when it was trained.
  CHECK(file.find("nested-w64").resnet.multiply_accumulates() ==
        std::vector<int64_t>{7'053'184, 21'131'328, 42'234'432, 70'362'496});
}

TEST_CASE("resnet: the nested ImageNet network costs what its traditional family costs", "[resnet]") {
  const NetworkFile file = NetworkFile::read(ALERT_SOURCE_DIR "/networks/imagenet-nested.json");
  // In the table of Slimmable Neural Networks: 278 M, 1.1 G, 2.3 G and 4.1 G.
  const double published[] = {0.278, 1.1, 2.3, 4.1};
  for (size_t i = 0; i < 4; ++i)
    CHECK(static_cast<double>(file.networks.at(i).multiply_accumulates()) / 1e9 ==
          Approx(published[i]).margin(0.05));
  const NetworkSpec& nested = file.find("nested-resnet-50-5");
  CHECK(nested.stages() == 5);
  const std::vector<int64_t> macs = nested.resnet.multiply_accumulates();
  CHECK(macs.front() ==
        file.networks.front().multiply_accumulates());  // the first stage is the narrowest network
  CHECK(macs.back() < file.find("resnet-50-1.00").multiply_accumulates());
}
