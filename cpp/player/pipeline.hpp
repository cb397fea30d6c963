// Plays a video through an engine: decode, infer, compose and sink at once, each on a thread of its own.
//
//     reader -> [waiting] -> [ordered] -> [composed] -> [delivered] -> main thread
//       decode   infer x N    compose       sink          window, progress
//
// Queues are bounded and frames and pictures live in reused buffers, so memory does not grow with the video and the
// slowest step sets the pace. Order is kept: compose waits for the answers in frame order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <skyseg/skyseg.hpp>

#include "compositor.hpp"
#include "sink.hpp"
#include "stats.hpp"
#include "video_reader.hpp"
#include "window.hpp"

namespace skyseg {

struct Show {
    Compositor* compositor = nullptr;  ///< makes the pictures; needed by a window and by sinks that take pictures
    Window* window = nullptr;          ///< shown on the calling thread
    long max_frames = 0;               ///< 0 is all
    std::optional<double> began;       ///< on the clock of `now`, from which first_frame_s counts; else the run's start
    std::function<void(long)> on_frame;  ///< called on the calling thread with the number of frames delivered
};

/// Plays to the end, or for `max_frames`, and hands every frame to every sink in order. Quitting the window, Ctrl-C
/// and SIGTERM stop decoding, and frames on their way are still delivered; sinks are then finished.
/// Throws whatever any step raised first; by then all threads have ended.
RunStats play(VideoReader& reader, Engine& engine, const std::vector<std::unique_ptr<Sink>>& sinks, const Show& show);

}  // namespace skyseg
