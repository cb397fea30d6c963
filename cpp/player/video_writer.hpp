// An H.264 file that is complete or absent, through FFmpeg itself: OpenCV's writer reports neither a full disk nor what
// it chose, and spends three times the CPU.
#pragma once

#include <filesystem>

#include <opencv2/core.hpp>

#include "cpu_clock.hpp"
#include "ffmpeg.hpp"
#include "files.hpp"

namespace skyseg {

/// Writes beside `path` until `finish`; without it, what was written goes and an earlier file at `path` stays.
class VideoWriter {
public:
    /// path ends in .mp4, .mov, .m4v or .mkv; missing folders are made. An odd size gets its last column or row
    /// doubled, because 4:2:0 video has even sizes only.
    /// Throws Error: another suffix, or nothing can be written there.
    VideoWriter(std::filesystem::path path, cv::Size size, AVRational fps);

    /// A picture of `size`, CV_8UC3 BGR. Throws Error if the disk refuses.
    void write(const cv::Mat& picture);

    /// Ends the file and puts it in place; without a picture there is nothing to keep, and no file. Throws Error.
    void finish();

    /// The encoder's own threads.
    const ThreadIds& threads() const { return threads_; }

private:
    void open_encoder(AVRational fps);
    bool try_encoder(const char* name, AVRational fps);
    cv::Mat planes();
    void encode(AVFrame* frame);
    void check(int result, const char* what) const;

    std::filesystem::path path_;
    PartFile part_;  // before what writes to it, and so gone after
    cv::Size size_, even_;
    ffmpeg::Output output_;
    ffmpeg::Codec codec_;
    ffmpeg::Frame frame_;
    ffmpeg::Packet packet_;
    ThreadIds threads_;
    std::int64_t pictures_ = 0;
    cv::Mat doubled_;
};

}  // namespace skyseg
