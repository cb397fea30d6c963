#include "files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <skyseg/skyseg.hpp>

namespace fs = std::filesystem;

namespace skyseg {

void make_writable(const fs::path& folder) {
    const fs::path place = folder.empty() ? "." : folder;
    std::error_code failure;
    fs::create_directories(place, failure);
    if (failure || !fs::is_directory(place)) {
        throw Error(place.string() + ": cannot be made a folder", failure ? failure.message() : "a file is in the way",
                    "choose another place");
    }
    if (access(place.c_str(), W_OK | X_OK) != 0) {
        throw Error(place.string() + ": not writable", "", "choose another folder");
    }
}

PartFile::PartFile(fs::path target)
    : target_(std::move(target)),
      // The suffix stays last: by it FFmpeg knows the format.
      part_(target_.parent_path() / ("." + target_.stem().string() + ".part" + lower_suffix(target_))) {}

PartFile::~PartFile() {
    std::error_code gone;
    if (!part_.empty()) fs::remove(part_, gone);
}

void PartFile::keep() {
    fs::rename(part_, target_);
    part_.clear();
}

void write_whole(const fs::path& path, const void* data, std::size_t bytes) {
    make_writable(path.parent_path());
    PartFile part(path);
    const auto refuse = [&](const std::string& why) {
        throw Error(path.string() + ": cannot be written", why, "free space, or choose another place");
    };
    errno = 0;
    std::ofstream stream(part.path(), std::ios::binary);
    stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
    stream.close();
    if (!stream) refuse(std::strerror(errno));
    try {
        part.keep();
    } catch (const fs::filesystem_error& error) {
        refuse(error.code().message());
    }
}

bool same_file(const fs::path& one, const fs::path& other) {
    std::error_code failure;
    return fs::equivalent(one, other, failure) && !failure;
}

std::string lower_suffix(const fs::path& path) {
    std::string suffix = path.extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
    return suffix;
}

}  // namespace skyseg
