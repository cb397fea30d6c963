// Times of frames as the time stamps of a video file: src/runtime/video/timing.py, line by line.
#pragma once

#include <cstdint>
#include <optional>

extern "C" {
#include <libavutil/rational.h>
}

namespace skyseg {

/// Counts time stamps that fall on the exact multiples of a constant rate, and follow a variable one.
class OutputClock {
public:
    /// fps: frames per second, nominally; most_ticks: per second, where the codec has a limit; 0 is none.
    explicit OutputClock(AVRational fps, int most_ticks = 0);

    AVRational rate() const { return rate_; }            ///< of the frames, nominally
    AVRational time_base() const { return time_base_; }  ///< seconds per tick
    std::int64_t frame_ticks() const { return frame_ticks_; }  ///< of a frame at the nominal rate

    /// The time stamp of the next frame: 0 for the first, and more with each.
    /// time: of the frame, in seconds from any beginning; none is one nominal frame after the last.
    std::int64_t tick(std::optional<double> time);

    double seconds(std::int64_t ticks) const { return static_cast<double>(ticks) * av_q2d(time_base_); }

private:
    std::int64_t at(double seconds) const;

    AVRational rate_, time_base_;
    std::int64_t frame_ticks_;
    double tolerance_, first_ = 0, latest_ = 0;
    std::optional<std::int64_t> tick_;
};

}  // namespace skyseg
