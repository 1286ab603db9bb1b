// Where the parts of the program lie. They are found from the program's own path, so that a build or an
// installation can be moved.
#pragma once

#include <string>

namespace alertbench {

// The path of a file beside the program (programs and LibTorch's part of a build or an installation lie in
// one folder).
std::string beside_program(const std::string& name);

// The folder that holds scenarios/, networks/ and profiles/ as shipped: share/alert-bench of an installation,
// or the source folder that the build folder is in. Empty where there is neither.
std::string shared_folder();

// The file of a scenario that a user names: a path that exists is taken as it is; a bare name ("quickstart",
// "quickstart.json") is also looked up among the shipped scenarios. InputError where there is no such file;
// it lists the shipped names.
std::string find_scenario(const std::string& given);

}  // namespace alertbench
