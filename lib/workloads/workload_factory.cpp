#include "workloads/workload_factory.h"

#include <fmt/format.h>

#include "base/error.h"
#include "workloads/fashion_mnist.h"
#include "workloads/image_folder.h"
#include "workloads/next_word.h"
#include "workloads/question_answering.h"
#include "workloads/synthetic.h"

namespace alertbench {

const std::vector<WorkloadInfo>& known_workloads() {
  static const std::vector<WorkloadInfo> all = {
      {"fashion-mnist", "10,000 labelled grey images of 28x28 (Debian package dataset-fashion-mnist)",
       "vision"},
      {"imagenet",
       "JPEG files with --data imagenet=DIR (a `file label` list, or class folders); without it seeded "
       "synthetic images, no labels",
       "vision"},
      {"ptb",
       "the next word in sentences that share a deadline: --data ptb=DIR with ptb.train.txt and "
       "ptb.valid.txt or "
       "ptb.test.txt; without it made-up text",
       "nlp"},
      {"squad",
       "questions on texts: --data squad=DIR with dev-v1.1.json and BERT's vocab.txt; without it made-up "
       "questions",
       "nlp"}};
  return all;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const WorkloadInfo& w : known_workloads()) names.push_back(w.name);
  return names;
}

std::string domain_of(const std::string& workload) {
  for (const WorkloadInfo& w : known_workloads())
    if (w.name == workload) return w.domain;
  return "other";
}

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
  if (name == "ptb") return std::make_unique<NextWord>(data_dir, seed);
  if (name == "squad") return std::make_unique<QuestionAnswering>(data_dir, seed);
  throw InputError(fmt::format("workload '{}' is unknown; known: synthetic-imagenet, {}", name,
                               fmt::join(workload_names(), ", ")));
}

}  // namespace alertbench
