#include "workloads/workload_factory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "workloads/fashion_mnist.h"
#include "workloads/image_folder.h"
#include "workloads/next_word.h"
#include "workloads/question_answering.h"
#include "workloads/synthetic.h"

namespace alertbench {

namespace {

// What Workload classes with these constructors have in common.
template <class W>
std::unique_ptr<Workload> from_data_or_seed(const std::string& data_dir, uint64_t seed) {
  return std::make_unique<W>(data_dir, seed);
}

std::unique_ptr<Workload> fashion_mnist(const std::string& data_dir, uint64_t) {
  return std::make_unique<FashionMnist>(data_dir.empty() ? FashionMnist::default_dir : data_dir);
}

std::unique_ptr<Workload> imagenet(const std::string& data_dir, uint64_t seed) {
  if (data_dir.empty()) return std::make_unique<SyntheticImages>(seed);
  return std::make_unique<ImageFolder>(data_dir);
}

}  // namespace

std::vector<WorkloadInfo>& workload_registry() {
  static std::vector<WorkloadInfo> all = {
      {"fashion-mnist", "10,000 labelled grey images of 28x28 (Debian package dataset-fashion-mnist)",
       "vision", fashion_mnist},
      {"imagenet",
       "JPEG files with --data imagenet=DIR (a `file label` list, or class folders); without it seeded "
       "synthetic images, no labels",
       "vision", imagenet},
      {"ptb",
       "the next word in sentences that share a deadline: --data ptb=DIR with ptb.train.txt and "
       "ptb.valid.txt or ptb.test.txt; without it synthetic text",
       "nlp", from_data_or_seed<NextWord>},
      {"squad",
       "questions on texts: --data squad=DIR with dev-v1.1.json and BERT's vocab.txt; without it synthetic "
       "questions",
       "nlp", from_data_or_seed<QuestionAnswering>}};
  return all;
}

const std::vector<WorkloadInfo>& known_workloads() { return workload_registry(); }

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

std::vector<std::string> workload_domains() {
  std::vector<std::string> domains;
  for (const WorkloadInfo& w : known_workloads())
    if (std::find(domains.begin(), domains.end(), w.domain) == domains.end()) domains.push_back(w.domain);
  return domains;
}

std::unique_ptr<Workload> make_workload(const std::string& name, const std::string& data_dir, uint64_t seed) {
  if (name == "synthetic-imagenet") {
    if (!data_dir.empty())
      throw InputError(fmt::format("{} is generated, not read; remove its folder {}", name, data_dir));
    return std::make_unique<SyntheticImages>(seed);
  }
  for (const WorkloadInfo& w : known_workloads())
    if (w.name == name) return w.make(data_dir, seed);
  throw InputError(fmt::format("workload '{}' is unknown; known: synthetic-imagenet, {}", name,
                               fmt::join(workload_names(), ", ")));
}

}  // namespace alertbench
