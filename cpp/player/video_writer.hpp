// An H.264 file that is complete or absent, through FFmpeg itself: OpenCV's writer reports neither a full disk nor what
// it chose, and spends three times the CPU.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "cpu_clock.hpp"
#include "ffmpeg.hpp"
#include "files.hpp"
#include "sound.hpp"
#include "timing.hpp"

namespace skyseg {

/// Throws Error where `VideoWriter` could not write a file of this name.
void refuse_unless_video(const std::filesystem::path& path);

/// Writes beside `path` until `finish`; without it, what was written goes and an earlier file at `path` stays.
class VideoWriter {
public:
    /// path ends in .mp4, .mov, .m4v or .mkv; missing folders are made. An odd size gets its last column or row
    /// doubled, because 4:2:0 video has even sizes only.
    /// Throws Error: another suffix, or nothing can be written there.
    /// fps: nominally; sound_of: a video whose sound goes along, or "".
    VideoWriter(std::filesystem::path path, cv::Size size, AVRational fps, const std::filesystem::path& sound_of = "");

    /// A picture of `size`, CV_8UC3 BGR, and its time in its source, in seconds; none is one frame after the last.
    /// Throws Error if the disk refuses.
    void write(const cv::Mat& picture, std::optional<double> time = std::nullopt);

    /// Ends the file and puts it in place; without a picture there is nothing to keep, and no file. Throws Error.
    void finish();

    /// What a user would not expect of the file, a line each; complete once it is finished.
    std::vector<std::string> notes() const;

    /// The encoder's own threads.
    const ThreadIds& threads() const { return threads_; }

private:
    void open(AVRational fps);
    int begin_file();
    void open_encoder(AVRational fps);
    bool try_encoder(const char* name, AVRational fps);
    cv::Mat planes();
    void encode(AVFrame* frame);
    void write_sound(std::int64_t until);
    void check(int result, const char* what) const;

    std::filesystem::path path_;
    PartFile part_;  // before what writes to it, and so gone after
    cv::Size size_, even_;
    std::optional<SoundTracks> sound_;
    ffmpeg::Output output_;
    ffmpeg::Codec codec_;
    ffmpeg::Frame frame_;
    ffmpeg::Packet packet_;
    ThreadIds threads_;
    std::optional<OutputClock> clock_;
    std::optional<std::int64_t> end_;  ///< of the latest picture, in ticks
    double start_ = 0;                 ///< the first picture's time
    std::vector<std::string> notes_;
    cv::Mat doubled_;
};

}  // namespace skyseg
