#include "pictures.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "files.hpp"
#include "module.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

const PictureCodecs& codecs() {
    static const auto& found = load_module<PictureCodecs>("libskyseg_pictures.so", PICTURE_CODECS);
    return found;
}

}  // namespace

cv::Mat read_photo(const fs::path& path, std::string* why) {
    const auto refuse = [&](const std::string& reason) {
        if (why != nullptr) *why = reason;
        return cv::Mat();
    };
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return refuse(std::strerror(errno));
    const std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream), {}};
    if (file.empty()) return refuse("an empty file");
    const cv::Mat picture = codecs().decode(file);
    return picture.empty() ? refuse("not a readable picture: damaged, or OpenCV has no decoder for it here") : picture;
}

void write_picture(const fs::path& path, const cv::Mat& picture) {
    std::vector<unsigned char> file;
    if (!codecs().encode(lower_suffix(path), picture, file)) {
        throw Error(path.string() + ": cannot write pictures of this kind", "", "use .png or .jpg");
    }
    write_whole(path, file.data(), file.size());
}

}  // namespace skyseg
