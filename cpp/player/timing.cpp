#include "timing.hpp"

#include <algorithm>
#include <cmath>

namespace skyseg {
namespace {

constexpr int TICKS_PER_SECOND = 10'000;   // at least; most players count in no finer steps
constexpr int LARGEST_DENOMINATOR = 1001;  // so that 30000/1001 and its kin come out exactly
// Matroska, WebM and FLV round to milliseconds, so that a constant rate arrives jittering by as much.
constexpr double JITTER_S = 0.001;

AVRational nearest(AVRational fps) {
    AVRational best{0, 1};
    double nearest = INFINITY;
    for (int den = 1; den <= LARGEST_DENOMINATOR; ++den) {
        const AVRational candidate{static_cast<int>(std::lround(av_q2d(fps) * den)), den};
        const double distance = std::abs(av_q2d(candidate) - av_q2d(fps));
        if (candidate.num > 0 && distance < nearest) {
            best = candidate;
            nearest = distance;
        }
    }
    return best.num > 0 ? best : AVRational{1, LARGEST_DENOMINATOR};  // slower: the frames keep their times nevertheless
}

}  // namespace

OutputClock::OutputClock(AVRational fps, int most_ticks) : rate_(nearest(fps)) {
    if (most_ticks > 0 && rate_.num > most_ticks) rate_ = {std::max(1, static_cast<int>(std::lround(av_q2d(fps)))), 1};
    const int steps = (TICKS_PER_SECOND + rate_.num - 1) / rate_.num;
    time_base_ = {1, rate_.num * steps};
    frame_ticks_ = static_cast<std::int64_t>(rate_.den) * steps;
    tolerance_ = std::min(JITTER_S, 0.2 / av_q2d(rate_));
}

std::int64_t OutputClock::tick(std::optional<double> time) {
    if (!tick_) {
        first_ = latest_ = time.value_or(0);
        tick_ = 0;
    } else if (!time || *time <= latest_) {  // a source whose clock stands still has its nominal rate
        *tick_ += frame_ticks_;
    } else {
        tick_ = std::max(at(*time - first_), *tick_ + 1);
        latest_ = *time;
    }
    return *tick_;
}

std::int64_t OutputClock::at(double seconds) const {
    const double frames = std::nearbyint(seconds * av_q2d(rate_));
    if (std::abs(seconds - frames / av_q2d(rate_)) < tolerance_) return static_cast<std::int64_t>(frames) * frame_ticks_;
    return std::llround(seconds / av_q2d(time_base_));
}

}  // namespace skyseg
