#include "frames.hpp"

#include <cmath>

#include <opencv2/imgproc.hpp>

namespace skyseg {

void prepare(const cv::Mat& frame_bgr, const ModelCard& card, cv::Mat& rgb) {
    cv::resize(frame_bgr, rgb, {card.width, card.height}, 0, 0, cv::INTER_LINEAR);
    cv::cvtColor(rgb, rgb, cv::COLOR_BGR2RGB);
}

void upscale_labels(const Masks& small, cv::Size size, const ModelCard& card, double threshold, cv::Mat& labels) {
    if (!card.binary()) {
        cv::resize(small.labels, labels, size, 0, 0, cv::INTER_NEAREST);
        return;
    }
    upscale_confidence(small, size, labels);
    // cv::threshold keeps what is above its threshold; the card's keeps what reaches it. Halves go to the even
    // neighbour, as Python's round() has them.
    cv::threshold(labels, labels, std::nearbyint(threshold * 255) - 1, 1, cv::THRESH_BINARY);
}

void upscale_confidence(const Masks& small, cv::Size size, cv::Mat& confidence) {
    cv::resize(small.confidence, confidence, size, 0, 0, cv::INTER_LINEAR);
}

}  // namespace skyseg
