// The sound of a video file, taken along into another: src/runtime/video/sound.py, without its re-encoding.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ffmpeg.hpp"

namespace skyseg {

/// The audio streams of a video file, copied packet by packet. Whatever is wrong with sound is noted, and is no reason to
/// lose pictures.
class SoundTracks {
public:
    /// A file that cannot be opened has no sound.
    explicit SoundTracks(const std::filesystem::path& video);

    /// Whether there is any sound.
    explicit operator bool() const { return video_ != nullptr && !sounds_.empty(); }

    /// Adds the streams to a file whose header is not yet written; those that it cannot hold are left out.
    void join(AVFormatContext& output);

    /// Writes what sounds before a time. seconds: in the new file; start: where it begins, in seconds from the first
    /// frame of the old one. Returns FFmpeg's error if the disk refuses, else 0.
    int until(double seconds, double start);

    /// What became of sound that could not be kept, a line each.
    const std::vector<std::string>& notes() const { return notes_; }

private:
    /// A stream of the new file, and what keeps its times rising where recordings were joined.
    struct Track {
        AVStream* stream = nullptr;
        std::int64_t shift = 0, latest = AV_NOPTS_VALUE, end = 0;
    };

    bool next();
    bool place(double start);

    ffmpeg::Input input_;
    ffmpeg::Packet packet_;  ///< read, and not yet written
    const AVStream* video_ = nullptr;
    std::vector<const AVStream*> sounds_;
    std::map<int, Track> tracks_;  ///< by the stream's index in the old file
    AVFormatContext* output_ = nullptr;
    std::vector<std::string> notes_;
    bool waits_ = false, ended_ = false, gap_told_ = false;
};

}  // namespace skyseg
