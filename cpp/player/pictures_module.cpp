// The module behind pictures.hpp.
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include "pictures.hpp"

namespace skyseg {
namespace {

constexpr int WEBP_QUALITY = 90;  // lossless, which is OpenCV's default, takes 5 s for 12 megapixels

cv::Mat decode(const std::vector<unsigned char>& file) {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    try {
        return cv::imdecode(file, cv::IMREAD_COLOR);
    } catch (const cv::Exception&) {
        return {};
    }
}

bool encodes(const std::string& suffix) { return cv::haveImageWriter("a" + suffix); }

bool encode(const std::string& suffix, const cv::Mat& picture, std::vector<unsigned char>& file) {
    try {
        std::vector<int> parameters;
        if (suffix == ".webp") parameters = {cv::IMWRITE_WEBP_QUALITY, WEBP_QUALITY};
        return cv::imencode(suffix, picture, file, parameters);
    } catch (const cv::Exception&) {
        return false;
    }
}

}  // namespace
}  // namespace skyseg

extern "C" {
extern const skyseg::PictureCodecs skyseg_picture_codecs;
const skyseg::PictureCodecs skyseg_picture_codecs{skyseg::decode, skyseg::encodes, skyseg::encode};
}
