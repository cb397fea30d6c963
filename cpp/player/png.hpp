// Masks as PNG, by FFmpeg, which plays the video anyway; OpenCV's codecs would bring GDAL (module.hpp).
#pragma once

#include <opencv2/core.hpp>

#include "ffmpeg.hpp"

namespace skyseg {

/// Encodes pictures of one size, CV_8UC1.
class PngEncoder {
public:
    /// Throws Error if this FFmpeg has no PNG.
    explicit PngEncoder(cv::Size size);

    /// The file's bytes, good until the next call.
    cv::Mat encode(const cv::Mat& grey);

private:
    ffmpeg::Codec codec_;
    ffmpeg::Frame frame_;
    ffmpeg::Packet packet_;
};

}  // namespace skyseg
