#include "workloads/workload_factory.h"

#include <fmt/format.h>

#include "core/error.h"
#include "workloads/fashion_mnist.h"
#include "workloads/image_folder.h"
#include "workloads/synthetic.h"

namespace alertbench {

std::unique_ptr<Workload> make_workload(const std::string& name, const std::string& data_dir, uint64_t seed) {
  if (name == "fashion-mnist") {
    return std::make_unique<FashionMnist>(data_dir.empty() ? FashionMnist::default_dir : data_dir);
  }
  if (name == "imagenet" && !data_dir.empty()) return std::make_unique<ImageFolder>(data_dir);
  if (name == "imagenet" || name == "synthetic-imagenet") {
    if (!data_dir.empty())
      throw InputError(fmt::format("{} is made, not read; drop its folder {}", name, data_dir));
    return std::make_unique<SyntheticImages>(seed);
  }
  throw InputError(
      fmt::format("workload '{}' is unknown; known: fashion-mnist, imagenet, synthetic-imagenet", name));
}

}  // namespace alertbench
