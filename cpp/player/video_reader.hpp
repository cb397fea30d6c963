// Frames from a video file, through FFmpeg itself: OpenCV 4.6 turns every video to BGR by BT.601's matrix, whatever the
// file says of its colours (github.com/opencv/opencv/issues/20513), which is up to 24 of 255 beside the Python player.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

#include <opencv2/core.hpp>

#include "cpu_clock.hpp"
#include "ffmpeg.hpp"

namespace skyseg {

/// A video file, open and with its first frame decoded. Rotation metadata is applied.
class VideoReader {
public:
    /// Throws Error: no file, not a video, or a video without a frame.
    explicit VideoReader(std::filesystem::path path);

    cv::Size size() const { return size_; }
    AVRational fps() const { return fps_; }

    /// What the file promises, which may be wrong; absent where it does not say.
    std::optional<long> frame_count() const;

    /// The decoder's own threads.
    const ThreadIds& threads() const { return threads_; }

    /// A frame for `read` to write into: CV_8UC3 of `size`, its rows padded, as FFmpeg's vector code writes past their end.
    cv::Mat buffer() const;

    /// Decodes the next frame, BGR, into a `buffer`; false after the last.
    bool read(cv::Mat& into);

    /// Of the frame that was read last, in seconds; absent where the file does not say.
    std::optional<double> time() const;

    /// A note if the file ended well before the length that it states: it is cut or damaged. Empty if it did not, or
    /// was not read to its end.
    std::string ended_early() const;

private:
    /// Width, height, pixel format, colour space and whether the range is full.
    using Pixels = std::tuple<int, int, int, int, bool>;

    void open();
    bool decode();
    void convert(cv::Mat& into);
    void scale_into(cv::Mat& into);
    void read_rotation(const AVStream& stream);
    std::optional<double> duration() const;
    double reached() const;

    std::filesystem::path path_;
    ffmpeg::Input input_;
    ffmpeg::Codec codec_;
    ffmpeg::Frame frame_;
    ffmpeg::Packet packet_;
    ffmpeg::Scaler scaler_;
    ThreadIds threads_;
    AVRational fps_{};
    cv::Size size_;
    int stream_ = -1;
    Pixels scaled_{};  ///< what scaler_ was made for
    int rotation_ = 0;  ///< degrees clockwise, a multiple of 90
    bool first_waits_ = false, drained_ = false, ended_ = false;
    long given_ = 0;  ///< frames read
    double first_time_ = 0, latest_time_ = 0;
    cv::Mat unrotated_, other_size_;
};

}  // namespace skyseg
