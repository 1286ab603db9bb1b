// Workloads by the names that scenarios and the command line use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workloads/workload.h"

namespace alertbench {

struct WorkloadInfo {
  std::string name, data;  // what it reads, for people
  std::string domain;      // "vision", "nlp", ...: evaluations have totals for each
  // `data_dir` is empty where no data was given; `seed` counts where inputs are made up. InputError where the
  // data cannot be used.
  std::unique_ptr<Workload> (*make)(const std::string& data_dir, uint64_t seed);
};

const std::vector<WorkloadInfo>& known_workloads();  // those that a scenario can name
// The same list, to which a test may add while nothing is running.
std::vector<WorkloadInfo>& workload_registry();
std::vector<std::string> workload_names();
std::string domain_of(const std::string& workload);  // "other" where the workload is unknown
std::vector<std::string> workload_domains();         // each once, as the registry orders them

// "fashion-mnist": test split from `data_dir`, or Debian's package where it is empty.
// "imagenet": the images of `data_dir` (see image_folder.h); where it is empty, as "synthetic-imagenet".
// "synthetic-imagenet": seeded, without labels; `data_dir` must be empty.
// "ptb", "squad": next_word.h, question_answering.h. `seed` counts where inputs are made up.
// Throws InputError on an unknown name, and where the data cannot be used.
std::unique_ptr<Workload> make_workload(const std::string& name, const std::string& data_dir, uint64_t seed);

}  // namespace alertbench
