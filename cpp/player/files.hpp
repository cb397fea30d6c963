// Files that are complete or absent, in folders that can be written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace skyseg {

/// Makes a folder; throws Error if that fails or nothing can be written in it. "" is the working folder.
void make_writable(const std::filesystem::path& folder);

/// The file beside `target` that is written first; it goes when this does, unless `keep` has put it in place.
class PartFile {
public:
    explicit PartFile(std::filesystem::path target);
    ~PartFile();
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    const std::filesystem::path& path() const { return part_; }
    /// Throws std::filesystem::filesystem_error.
    void keep();

private:
    std::filesystem::path target_, part_;
};

/// Writes a file, with the folders above it, complete or not at all; an earlier one stays until then. Throws Error.
void write_whole(const std::filesystem::path& path, const void* data, std::size_t bytes);

/// Whether both are there and one file.
bool same_file(const std::filesystem::path& one, const std::filesystem::path& other);

/// The suffix with its dot, in lower case.
std::string lower_suffix(const std::filesystem::path& path);

}  // namespace skyseg
