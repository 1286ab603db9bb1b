// What a sweep is to evaluate: its cells, known before any is evaluated, and the same for every shard.
// plan.json keeps it beside the results, so that a restart knows what it may take, and a merge what is
// missing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/evaluation.h"
#include "sweep/sweep_file.h"

namespace alertbench {

struct PlannedCell {
  Cell cell;  // id and what is known of it without reading arrays; `failed` where it cannot be evaluated at
              // all
  std::string recording;  // as the sweep file leads to it: relative to the file's folder, or absolute
};

// "1 of 1" is the whole sweep.
struct Shard {
  int index = 1, of = 1;

  static Shard parse(const std::string& text);  // "I/N"; InputError
  bool takes(size_t cell) const { return cell % static_cast<size_t>(of) == static_cast<size_t>(index - 1); }
  std::string text() const;  // "2 of 8"
  bool operator==(const Shard& o) const { return index == o.index && of == o.of; }
};

struct Plan {
  std::string name;
  Shard shard;
  std::string tool;  // version and revision of the program: other programs may give other numbers
  std::vector<std::string> schedulers;  // by their names in results
  std::vector<std::string> asked;       // the same, as make_any_scheduler() takes them; not in plan.json
  nlohmann::ordered_json external_schedulers;  // see plugins/external_schedulers.h; null: none
  std::vector<std::pair<std::string, std::string>> scheduler_settings;  // in force, as JSON text
  GridSpec grid;
  std::vector<PlannedCell> cells;     // of all shards, sorted by id
  std::vector<std::string> warnings;  // not in plan.json

  // Reads every recording.json, no array. A recording that is not there or cannot be read has cells that
  // failed. InputError: no cell at all; two recordings with the same id.
  static Plan of(const SweepFile& sweep, const Shard& shard);

  // What differs from `other` such that their cells cannot stand side by side; empty: nothing.
  std::string conflict(const Plan& other) const;

  EvaluationResult empty_result() const;  // no cells

  nlohmann::ordered_json to_json() const;
  static Plan read(const std::string& path);  // plan.json; InputError
  void write(const std::string& folder) const;
};

// A message about a file of the sweep, as evaluation.json keeps it: no path but those relative to the sweep
// file's folder.
std::string without_folder(std::string text, const std::string& folder);

}  // namespace alertbench
