// Tables of claims, as scripts/claims.py writes them, and whether two of them come to the same conclusions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "report/document.h"

namespace alertbench {

constexpr const char* claims_schema_version = "1.0";

// One reading of one claim: "vision, min_energy: constraints met", "inputs (sentences) in time".
struct Claim {
  std::string claim, reading, said, unit;
  std::optional<double> value;  // absent: the result had nothing to judge it by
  std::optional<Interval> interval;
  std::optional<bool> holds;  // absent: nothing was claimed of this reading, or there is no value
};

struct ClaimTable {
  std::string path;  // of the file that was read
  std::vector<Claim> claims;

  // The file with a table of claims that `path` names: claims.json itself, or a folder with claims.json or
  // claims/claims.json, such as results/reference. Empty if it is something else.
  static std::string file_of(const std::string& path);
  // InputError: no such file, not a table of claims, a key that is wrong, the same reading of a claim twice.
  static ClaimTable read(const std::string& file);
};

struct ClaimPair {
  Claim a, b;
  // Whether the claim holds in both or in neither; absent where `holds` is absent in one.
  std::optional<bool> same_conclusion() const;
};

struct ClaimsComparison {
  std::string a, b;  // files
  std::vector<ClaimPair> pairs;
  std::vector<std::string> only_a, only_b;  // readings that cannot be paired

  int judged() const;
  int differing() const;
  Document report() const;
  nlohmann::ordered_json to_json() const;
};

// InputError: the tables have no reading in common.
ClaimsComparison compare_claims(const ClaimTable& a, const ClaimTable& b);

}  // namespace alertbench
