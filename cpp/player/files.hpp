// Files that are complete or absent, in folders that can be written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "interrupts.hpp"

namespace skyseg {

/// Whether something is a file, or a folder; false too where that may not be looked at.
bool is_file(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// Throws Error if a folder cannot be made, or nothing can be written in it; makes nothing. "" is the working folder.
void check_writable(const std::filesystem::path& folder);

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
    GoesOnSignal goes_;
};

/// Whether a path is no place for a file but leads to what is already open: a device, a pipe, /dev/stdout.
bool is_device(const std::filesystem::path& path);

/// Writes a file, with the folders above it, complete or not at all; an earlier one stays until then. A device is written
/// to as it is. Throws Error.
void write_whole(const std::filesystem::path& path, const void* data, std::size_t bytes);

/// One name for all spellings of a path, whether or not it exists: absolute, without dots and links.
std::filesystem::path resolved(const std::filesystem::path& path);

/// The suffix with its dot, in lower case.
std::string lower_suffix(const std::filesystem::path& path);

}  // namespace skyseg
