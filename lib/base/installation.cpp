#include "base/installation.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::vector<std::string> shipped_scenarios(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".json" && entry.path().stem().extension() != ".schema")
      names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string beside_program(const std::string& name) { return (program_folder() / name).string(); }

std::string shared_folder() {
  std::error_code error;
  const fs::path above = program_folder().parent_path().parent_path();
  for (const fs::path& folder : {above / "share/alert-bench", above})
    if (fs::is_directory(folder / "scenarios", error)) return folder.string();
  return "";
}

std::string find_scenario(const std::string& given) {
  std::error_code error;
  if (fs::exists(given, error) || given.find('/') != std::string::npos)
    return given;  // reading it says what is wrong
  const fs::path folder = fs::path(shared_folder()) / "scenarios";
  std::string name = given;
  if (fs::path(name).extension() == ".json") name = fs::path(name).stem().string();
  const std::vector<std::string> names = shipped_scenarios(folder);
  if (std::find(names.begin(), names.end(), name) != names.end()) return (folder / (name + ".json")).string();
  const std::string nearest = nearest_word(name, names);
  if (names.empty())
    throw InputError(fmt::format(
        "{}: no such file, and no scenarios are installed with this program; pass a path", given));
  throw InputError(fmt::format(
      "{}: no such file, and no shipped scenario has this name{}; shipped scenarios: {}", given,
      nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest), fmt::join(names, ", ")));
}

}  // namespace alertbench
