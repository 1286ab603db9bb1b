// Determines which files of a result folder belong to the program. A file is its own if the folder's manifest
// lists it under "outputs", or, for files drawn by scripts/figures.py, if figures/written.json lists it. All
// other files, and all links, are foreign: they are never deleted or overwritten.
#pragma once

#include <set>
#include <string>

namespace alertbench {

struct ResultContent {
  bool is_result = false;              // the folder has a manifest.json of alert-bench
  std::set<std::string> own, foreign;  // paths below the folder; folders belong to neither set
};

// InputError if there is a manifest.json that alert-bench did not write. If the manifest is of a version that
// did not list its outputs, then traces/*.jsonl, figures/*.{pdf,png} and the other usual files of such a
// result count as its own.
ResultContent content_of_result(const std::string& folder);

enum class Existing {
  refuse,  // An existing result is an error.
  // An existing result without foreign files is deleted, except for recording/ (which may be the recording
  // that is replayed) and interrupted-N/.
  overwrite,
  resume  // An existing result loses its traces, figures and summary.
};

// Creates `folder` with traces/, recording/ and figures/. InputError if existing files prevent that; the
// message names them and their owner. EnvironmentError if the folder cannot be created or written to. Returns
// the program's own files that remain.
std::set<std::string> make_result_folder(const std::string& folder, Existing existing = Existing::refuse);

}  // namespace alertbench
