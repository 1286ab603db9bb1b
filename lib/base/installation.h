// Locations of the parts of the program. They are found from the program's own path, so that a build or an
// installation can be moved.
#pragma once

#include <string>

namespace alertbench {

// The path of a file in the program's folder (in a build or an installation, all programs and the LibTorch
// module are in one folder).
std::string beside_program(const std::string& name);

// The folder that holds scenarios/, networks/ and profiles/ as shipped: share/alert-bench of an installation,
// or the source folder that the build folder is in. Empty if there is neither.
std::string shared_folder();

// The file of a scenario that a user names: an existing path is used unchanged; a bare name ("quickstart",
// "quickstart.json") is also looked up among the shipped scenarios. Throws InputError, which
// lists the shipped names, if there is no such file.
std::string find_scenario(const std::string& given);

}  // namespace alertbench
