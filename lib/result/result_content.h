// What is in a result folder, and whose it is. A file is the program's own where the folder's manifest lists
// it under "outputs"; what scripts/figures.py drew, where figures/written.json lists it. All else is foreign,
// links too: never deleted, never written over.
#pragma once

#include <set>
#include <string>

namespace alertbench {

struct ResultContent {
  bool is_result = false;              // a manifest.json of alert-bench is there
  std::set<std::string> own, foreign;  // paths below the folder; folders are neither
};

// InputError if there is a manifest.json that alert-bench did not write. The manifest of a version that
// did not list its outputs stands for traces/*.jsonl, figures/*.{pdf,png} and what else such a result has.
ResultContent content_of_result(const std::string& folder);

enum class Existing {
  refuse,     // a result that is there is an error
  overwrite,  // ... is deleted but for recording/ (which may be what is being replayed) and interrupted-N/,
              // if nothing foreign is there
  resume      // ... loses its traces, figures and summary
};

// Makes `folder` with traces/, recording/ and figures/. InputError that says what is there, and whose;
// EnvironmentError if the folder cannot be made or written to. Returns the program's own files that stay.
std::set<std::string> make_result_folder(const std::string& folder, Existing existing = Existing::refuse);

}  // namespace alertbench
