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

constexpr unsigned char MARKER = 0xFF, START = 0xD8, END = 0xD9, SCAN = 0xDA;

/// Whether a byte after 0xFF belongs to the pixels: a stuffed zero, a restart, or a fill byte.
bool within_scan(unsigned char code) { return code == 0 || (code >= 0xD0 && code <= 0xD7) || code == MARKER; }

/// Whether a file is a JPEG that ends within its pixels (ITU-T T.81, B.1.1), which OpenCV 4 fills with grey and says
/// nothing. What comes before them is skipped by its length: a thumbnail there has an end of its own.
bool is_cut_jpeg(const std::vector<unsigned char>& file) {
    if (file.size() < 4 || file[0] != MARKER || file[1] != START) return false;
    std::size_t at = 2;
    while (at + 3 < file.size()) {
        if (file[at] != MARKER) return false;  // not as it should be: OpenCV's to judge
        const unsigned char code = file[at + 1];
        if (code == END) return false;
        if (code == MARKER) {
            ++at;
            continue;
        }
        at += 2 + static_cast<std::size_t>(file[at + 2] << 8 | file[at + 3]);
        if (code != SCAN) continue;
        while (at + 1 < file.size() && !(file[at] == MARKER && !within_scan(file[at + 1]))) ++at;
        if (at + 1 < file.size() && file[at + 1] == END) return false;
    }
    return true;
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
    if (is_cut_jpeg(file)) return refuse("not a readable picture: it ends too soon");
    const cv::Mat picture = codecs().decode(file);
    return picture.empty() ? refuse("not a readable picture: damaged, or OpenCV has no decoder for it here") : picture;
}

void write_picture(const fs::path& path, const cv::Mat& picture) {
    std::vector<unsigned char> file;
    const std::string suffix = lower_suffix(path);
    if (!codecs().encodes(suffix)) {
        throw Error(path.string() + ": cannot write pictures of this kind", "", "use .png or .jpg");
    }
    if (!codecs().encode(suffix, picture, file)) {
        throw Error(path.string() + ": a picture of " + std::to_string(picture.cols) + "x" + std::to_string(picture.rows) +
                        " cannot be written",
                    "OpenCV cannot encode it as " + suffix,
                    "save as .png (of a photo: convert it first); --view side-by-side is twice as wide as the photo");
    }
    write_whole(path, file.data(), file.size());
}

}  // namespace skyseg
