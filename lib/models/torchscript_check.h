// Checks whether a TorchScript file can be loaded and run as a pure computation, as a network should be.
// TorchScript is a programming language: its classes may run code when they are loaded, and its operators can
// write files (aten::from_file, aten::save) or call other machines.
#pragma once

#include <iosfwd>
#include <string>

namespace alertbench {

// Compiles all code in the file and runs none of it. InputError, whose message begins with `where`, if the
// file has a form that cannot be inspected, an operator outside the namespaces of pure operators, one of the
// few operators within them that reach beyond the process, or a C++ class that does. Exceptions of LibTorch
// for files that it cannot read or compile are passed on unchanged (std::exception).
void check_torchscript(std::istream& file, const std::string& where);

}  // namespace alertbench
