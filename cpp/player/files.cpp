#include "files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>

#include <skyseg/skyseg.hpp>

namespace fs = std::filesystem;

namespace skyseg {
namespace {

constexpr const char* DESCRIPTORS = "/proc/self/fd";
constexpr std::size_t LONG_NAME = 240;  // bytes; file systems take 255

/// N of /dev/fd/N, /dev/stdout and their kin, which lead to whatever is open there: a file, maybe.
std::optional<int> open_descriptor(const fs::path& path) {
    std::error_code none;
    const fs::path target = fs::read_symlink(path, none);
    const fs::path& link = target.parent_path() == DESCRIPTORS ? target : path;
    if (resolved(link.parent_path()) != resolved(DESCRIPTORS)) return std::nullopt;
    const std::string name = link.filename().string();
    int descriptor = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), descriptor);
    return failure == std::errc() && end == name.data() + name.size() ? std::optional(descriptor) : std::nullopt;
}

/// Where the others who have it open go on: opened anew, it would have a place of its own in the file.
bool write_to(int descriptor, const void* data, std::size_t bytes) {
    const char* rest = static_cast<const char*>(data);
    while (bytes > 0) {
        const ssize_t written = ::write(descriptor, rest, bytes);
        if (written < 0 && errno != EINTR) return false;
        if (written < 0) continue;
        rest += written;
        bytes -= static_cast<std::size_t>(written);
    }
    return true;
}

/// The name of a file that is not yet whole. The suffix stays last: by it FFmpeg knows the format. A long name leaves no
/// room for more, and a number stands in its place.
std::string part_name(const fs::path& target) {
    const bool is_long = target.filename().native().size() >= LONG_NAME;
    const std::string stem = is_long ? std::to_string(fs::hash_value(target.filename())) : target.stem().string();
    return "." + stem + ".part" + lower_suffix(target);
}

}  // namespace

bool is_file(const fs::path& path) {
    std::error_code unseen;
    return fs::is_regular_file(path, unseen);
}

bool is_folder(const fs::path& path) {
    std::error_code unseen;
    return fs::is_directory(path, unseen);
}

void check_writable(const fs::path& folder) {
    const fs::path place = folder.empty() ? "." : folder;
    std::error_code none;
    fs::path existing = fs::absolute(place);
    while (!fs::exists(existing, none) && existing.has_relative_path()) existing = existing.parent_path();
    if (!fs::is_directory(existing, none)) {
        throw Error(place.string() + ": cannot be made a folder", existing.string() + " is a file", "choose another place");
    }
    if (access(existing.c_str(), W_OK | X_OK) != 0) {
        throw Error(place.string() + ": not writable", "", "choose another folder");
    }
}

void make_writable(const fs::path& folder) {
    check_writable(folder);
    std::error_code failure;
    if (!folder.empty()) fs::create_directories(folder, failure);
    if (failure) throw Error(folder.string() + ": cannot be made a folder", failure.message(), "choose another place");
}

PartFile::PartFile(fs::path target)
    : target_(std::move(target)), part_(target_.parent_path() / part_name(target_)), goes_(part_) {}

PartFile::~PartFile() {
    std::error_code gone;
    if (!part_.empty()) fs::remove(part_, gone);
}

void PartFile::keep() {
    fs::rename(part_, target_);
    part_.clear();
}

bool is_device(const fs::path& path) {
    std::error_code none;
    const fs::file_type kind = fs::status(path, none).type();
    return kind == fs::file_type::character || kind == fs::file_type::block || kind == fs::file_type::fifo ||
           open_descriptor(path);
}

void write_whole(const fs::path& path, const void* data, std::size_t bytes) {
    const auto refuse = [&](const std::string& why) {
        throw Error(path.string() + ": cannot be written", why, "free space, or choose another place");
    };
    const auto write = [&](const fs::path& place, std::ios::openmode mode) {
        errno = 0;
        std::ofstream stream(place, std::ios::binary | mode);
        stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
        stream.close();
        if (!stream) refuse(std::strerror(errno));
    };
    if (const auto descriptor = open_descriptor(path)) {
        if (!write_to(*descriptor, data, bytes)) refuse(std::strerror(errno));
        return;
    }
    if (is_device(path)) return write(path, std::ios::out);
    make_writable(path.parent_path());
    PartFile part(path);
    write(part.path(), std::ios::trunc);
    try {
        part.keep();
    } catch (const fs::filesystem_error& error) {
        refuse(error.code().message());
    }
}

fs::path resolved(const fs::path& path) {
    std::error_code failure;
    // Absolute first: weakly_canonical leaves a relative path that does not exist as it is.
    const fs::path whole = fs::absolute(path.empty() ? "." : path).lexically_normal();
    const fs::path found = fs::weakly_canonical(whole, failure);
    const fs::path& one = failure ? whole : found;
    return one.has_filename() ? one : one.parent_path();  // without a slash at the end
}

std::string lower_suffix(const fs::path& path) {
    std::string suffix = path.extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
    return suffix;
}

}  // namespace skyseg
