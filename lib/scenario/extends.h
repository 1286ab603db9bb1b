// Scenarios without copies: a file that extends another one states what differs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct ExtendedScenario {
  nlohmann::json content;          // merged; without "extends"
  std::vector<std::string> files;  // the file itself, the one that it extends, and so on
};

// Reads a scenario and, where it has "extends": "FILE" (a relative path counts from the folder of the file
// that states it), that one first. Objects are merged key by key; every other value, lists too, replaces the
// one of the extended file, and null removes it. Relative paths of an extended file (networks, models,
// tables, schedules) still count from that file's own folder. InputError: what read_json_file() refuses,
// files that extend each other in a circle, and chains of more than 16 files.
ExtendedScenario read_extended_scenario(const std::string& path);

}  // namespace alertbench
