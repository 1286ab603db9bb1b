// What a network file states of a cascade: an anytime network made of networks of the same file, which run
// one after the other on the same input (models/cascade.h). Needs no LibTorch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

enum class CascadeAnswer {
  last,     // of the member that finished last
  average,  // of the mean of the probabilities that all members so far give
};

struct CascadeConfig {
  std::vector<std::string> members;  // names, in the order in which they run
  CascadeAnswer answer = CascadeAnswer::last;

  // Throws InputError that names the key: no members, more than max_stages, a name twice, another answer than
  // "last" and "average". Whether the members exist is for the network file to say. The message begins with
  // `where`, the file and network.
  static CascadeConfig from_json(const nlohmann::json& j, const std::string& where);
};

}  // namespace alertbench
