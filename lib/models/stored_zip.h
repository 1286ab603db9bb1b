// The members of a zip archive that are stored uncompressed, as PyTorch writes its files. Needs no LibTorch.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace alertbench {

// `path` opens the messages. The views are into `bytes`. InputError: no zip archive, torn, a wrong checksum,
// compressed or encrypted members, a duplicate name, overlapping members. ZIP64, for more
// than 4 GiB, is read.
std::map<std::string, std::string_view> read_stored_zip(std::string_view bytes, const std::string& path);

}  // namespace alertbench
