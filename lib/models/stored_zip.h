// Reads zip archives whose members are stored uncompressed, as PyTorch writes them. Needs no LibTorch.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace alertbench {

// Returns the members by name. The views point into `bytes`, and messages begin with `path`. InputError if it
// is not a zip archive, is truncated, has a wrong checksum, compressed or encrypted members, a duplicate
// name, or overlapping members. An archive whose checksums are all 0 was written without them
// (torch.serialization.set_crc32_options). ZIP64, for more than 4 GiB, is supported.
std::map<std::string, std::string_view> read_stored_zip(std::string_view bytes, const std::string& path);

}  // namespace alertbench
