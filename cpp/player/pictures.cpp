#include "pictures.hpp"

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

cv::Mat read_photo(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream), {}};
    return file.empty() ? cv::Mat() : codecs().decode(file);
}

void write_picture(const fs::path& path, const cv::Mat& picture) {
    std::vector<unsigned char> file;
    if (!codecs().encode(path.extension().string(), picture, file)) {
        throw Error(path.string() + ": cannot write pictures of this kind", "", "use .png or .jpg");
    }
    write_whole(path, file.data(), file.size());
}

}  // namespace skyseg
