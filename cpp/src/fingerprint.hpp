// Files told apart by their content.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace skyseg {

/// All bytes of a file; none if it cannot be read.
inline std::vector<char> content_of(const std::filesystem::path& path) {
    std::error_code none;
    const auto size = std::filesystem::file_size(path, none);
    if (none) return {};
    std::vector<char> bytes(size);  // read in one go: an iterator over the stream takes 0.1 s for 20 MB
    std::ifstream stream(path, std::ios::binary);
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(size))) return {};
    return bytes;
}

/// The steps of FNV-1a (Fowler, Noll, Vo; RFC 9923), 64 bits, over words of 8 bytes: byte by byte it would take longer
/// than what a cache saves. Tells files apart, against accident and not against malice.
inline std::string fingerprint(const std::vector<char>& bytes) {
    std::uint64_t hash = 14695981039346656037U;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof hash) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
        hash = (hash ^ word) * 1099511628211U;
    }
    hash = (hash ^ bytes.size()) * 1099511628211U;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
}

}  // namespace skyseg
