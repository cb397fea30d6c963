// What a run cost: time and CPU per step, and how near it came to what the processor allows.
// src/runtime/video/stats.py has the same figures under the same names.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace skyseg {

enum Step { DECODE, INFER, COMPOSE, SINK };
inline constexpr std::array STEP_NAMES = {"decode", "infer", "compose", "sink"};
inline constexpr std::size_t STEPS = STEP_NAMES.size();

/// What a run gathers; each step's entries are written by one thread at a time.
struct Measured {
    std::array<std::vector<double>, STEPS> wall;       ///< seconds of each frame
    std::array<double, STEPS> cpu{};                   ///< seconds of all frames together
    std::vector<std::pair<double, double>> inferring;  ///< start and end of every inference
    double seconds = 0, first_frame_s = 0;
    long frames = 0;
    bool interrupted = false;
};

struct StepStats {
    double p50_ms = 0, p95_ms = 0;  ///< wall time per frame
    double cpu_ms = 0;              ///< mean CPU time per frame
};

struct RunStats {
    long frames = 0;
    double seconds = 0, fps = 0;
    double model_fps = 0;       ///< frames / seconds in which at least one inference was in flight
    double share_of_limit = 0;  ///< fps / (cores / CPU seconds per frame): 1.0 is every core at work all the time
    double peak_rss_mb = 0;
    double first_frame_s = 0;  ///< from the start of the process to the first frame shown, or handed to every sink
    std::array<StepStats, STEPS> steps;
    bool interrupted = false;

    /// For --stats-json, with a line end.
    std::string to_json() const;
};

RunStats summarise(const Measured& measured);

/// Length of the union of (start, end) intervals.
double covered_seconds(std::vector<std::pair<double, double>> intervals);

/// Linear between neighbours, as numpy.percentile; 0 of nothing.
double percentile(std::vector<double> values, double percent);

}  // namespace skyseg
