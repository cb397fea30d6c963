// Files told apart by their content.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace skyseg {

/// All bytes of a file; none if it cannot be read.
inline std::vector<char> content_of(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// FNV-1a (Fowler, Noll, Vo; RFC 9923), 64 bits: tells files apart, against accident and not against malice.
inline std::string fingerprint(const std::vector<char>& bytes) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211U;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
}

}  // namespace skyseg
