// Whether a TorchScript file can be loaded and run as the mere computation that a network is. TorchScript is
// a programming language: its classes may run code when they are loaded, and its operators can write files
// (aten::from_file, aten::save) or call other machines.
#pragma once

#include <iosfwd>
#include <string>

namespace alertbench {

// Compiles all code in the file and runs none of it. InputError, opened by `where`, for a form that cannot be
// looked into, an operator outside the namespaces of pure ones, or one of the few within them that reach
// beyond the process, and for classes of C++ that do. What LibTorch throws for files that it cannot read or
// compile comes through as it is (std::exception).
void check_torchscript(std::istream& file, const std::string& where);

}  // namespace alertbench
