// Picture files. OpenCV's codecs sit in a module of their own that is loaded on first use: Debian's pull in GDAL and a
// hundred libraries, 0.15 s and 40 MB that playing a video into a video does not need.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace skyseg {

/// A picture as CV_8UC3 BGR, EXIF rotation applied; empty, and why, if it cannot be read.
cv::Mat read_photo(const std::filesystem::path& path, std::string* why = nullptr);

/// Writes a picture in the format of its suffix, complete or not at all. Throws Error.
void write_picture(const std::filesystem::path& path, const cv::Mat& picture);

/// What the module offers, under the name PICTURE_CODECS.
struct PictureCodecs {
    cv::Mat (*decode)(const std::vector<unsigned char>& file);
    bool (*encodes)(const std::string& suffix);
    bool (*encode)(const std::string& suffix, const cv::Mat& picture, std::vector<unsigned char>& file);
};
inline constexpr const char* PICTURE_CODECS = "skyseg_picture_codecs";

}  // namespace skyseg
