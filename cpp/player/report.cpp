#include "report.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "cpu_clock.hpp"

namespace skyseg {
namespace {

constexpr double REFRESH_S = 0.1;

template <typename... Values>
std::string format(const char* pattern, Values... values) {
    char text[256];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

}  // namespace

std::string model_line(const EngineInfo& info) {
    const ModelCard& card = info.card;
    const auto iou = card.metrics.find("iou");
    return "model: " + card.name + " (" + to_string(info.backend) + " " + to_string(info.precision) + " on " +
           info.device + ", input " + std::to_string(card.width) + "x" + std::to_string(card.height) +
           (iou == card.metrics.end() ? "" : format(", test IoU %.3f", iou->second)) + ") from " + info.path.string();
}

std::string summary(const RunStats& stats, const std::string& unit, const std::vector<std::string>& notes) {
    std::string text = format("%ld %s in %.2f s: %.1f FPS, %.0f%% of what the cores allow; first after %.2f s; "
                              "peak memory %.0f MiB\n",
                              stats.frames, unit.c_str(), stats.seconds, stats.fps, 100 * stats.share_of_limit,
                              stats.first_frame_s, stats.peak_rss_mb);
    text += format("%-8s %8s %8s %8s\n", "step", "p50 ms", "p95 ms", "CPU ms");
    for (std::size_t step = 0; step < STEPS; ++step) {
        const auto& figures = stats.steps[step];
        text += format("%-8s %8.2f %8.2f %8.2f\n", STEP_NAMES[step], figures.p50_ms, figures.p95_ms, figures.cpu_ms);
    }
    for (const auto& note : notes) text += note + "\n";
    return text;
}

Progress::Progress(long total, std::string unit, bool quiet)
    : total_(total), unit_(std::move(unit)), on_(!quiet && isatty(STDERR_FILENO)), started_(now()) {}

Progress::~Progress() {
    if (on_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::at(long count) {
    if (!on_ || now() - shown_ < REFRESH_S) return;
    shown_ = now();
    const double rate = static_cast<double>(count) / (shown_ - started_);
    std::cerr << "\r\033[K" << count << (total_ > 0 ? "/" + std::to_string(total_) : "") << " " << unit_
              << format(", %.1f/s", rate) << std::flush;
}

}  // namespace skyseg
