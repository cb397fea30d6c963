#include "stats.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <limits>
#include <numeric>

#include <nlohmann/json.hpp>

#include "../src/hardware.hpp"

namespace skyseg {
namespace {

double rounded(double value, int digits) {
    const double scale = std::pow(10, digits);
    return std::nearbyint(value * scale) / scale;
}

/// Peak resident memory of this process, MiB; 0 where not on Linux.
double peak_rss_mb() {
    std::ifstream stream("/proc/self/status");
    for (std::string key; stream >> key;) {
        if (key == "VmHWM:") {
            double kilobytes = 0;
            stream >> kilobytes;
            return kilobytes / 1024;
        }
    }
    return 0;
}

}  // namespace

std::string RunStats::to_json() const {
    nlohmann::ordered_json step_figures = nlohmann::ordered_json::object();
    for (std::size_t step = 0; step < STEPS; ++step) {
        step_figures[STEP_NAMES[step]] = {{"p50_ms", rounded(steps[step].p50_ms, 3)},
                                          {"p95_ms", rounded(steps[step].p95_ms, 3)},
                                          {"cpu_ms", rounded(steps[step].cpu_ms, 3)}};
    }
    const nlohmann::ordered_json figures{
        {"frames", frames},
        {"seconds", rounded(seconds, 3)},
        {"fps", rounded(fps, 2)},
        {"model_fps", rounded(model_fps, 2)},
        {"share_of_limit", rounded(share_of_limit, 3)},
        {"drops", 0},  // files are never dropped from
        {"peak_rss_mb", rounded(peak_rss_mb, 1)},
        {"first_frame_s", rounded(first_frame_s, 4)},
        {"steps", step_figures},
    };
    return figures.dump(2) + "\n";
}

RunStats summarise(const Measured& measured) {
    RunStats stats;
    const double frames = static_cast<double>(measured.frames), seconds = measured.seconds;
    stats.frames = measured.frames;
    stats.seconds = seconds;
    stats.interrupted = measured.interrupted;
    stats.first_frame_s = measured.first_frame_s;
    stats.peak_rss_mb = peak_rss_mb();
    if (seconds > 0) {
        const double cpu = std::accumulate(measured.cpu.begin(), measured.cpu.end(), 0.0);
        stats.fps = frames / seconds;
        stats.share_of_limit = cpu / (cores() * seconds);
    }
    if (const double busy = covered_seconds(measured.inferring); busy > 0) stats.model_fps = frames / busy;
    for (std::size_t step = 0; step < STEPS; ++step) {
        stats.steps[step] = {percentile(measured.wall[step], 50) * 1000, percentile(measured.wall[step], 95) * 1000,
                             measured.cpu[step] / std::max(frames, 1.0) * 1000};
    }
    return stats;
}

double covered_seconds(std::vector<std::pair<double, double>> intervals) {
    std::sort(intervals.begin(), intervals.end());
    double covered = 0, reached = -std::numeric_limits<double>::infinity();
    for (const auto& [start, end] : intervals) {
        covered += std::max(0.0, end - std::max(start, reached));
        reached = std::max(reached, end);
    }
    return covered;
}

double percentile(std::vector<double> values, double percent) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double place = percent / 100 * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

}  // namespace skyseg
