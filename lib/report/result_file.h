// What `report` and `compare` are given: a result folder, or one of its two files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"
#include "report/document.h"

namespace alertbench {

struct ResultFile {
  std::string path;                            // of the file that was read
  std::optional<EvaluationResult> evaluation;  // else it is a summary
  nlohmann::json summary;

  // A folder that holds both files must be told which. InputError says what is missing or wrong.
  static ResultFile read(const std::string& path);

  Document report() const;
  std::string json() const;  // as `report --format json` prints it
};

// FOLDER/figures/*.png and *.svg beside `result_file`, by name; where both are there of one name, the PNG.
// InputError if one is no picture.
std::vector<Figure> figures_of(const std::string& result_file);

}  // namespace alertbench
