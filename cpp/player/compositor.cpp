#include "compositor.hpp"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace skyseg {
namespace {

constexpr int BAND = 32;  // rows drawn at a time, so that what is blended stays in the cache

cv::Scalar bgr(const Colour& rgb) { return {double(rgb[2]), double(rgb[1]), double(rgb[0])}; }

cv::Mat colour_map(const ModelCard& card, const std::optional<Colour>& first) {
    cv::Mat colours(256, 1, CV_8UC3, cv::Scalar::all(0));
    for (std::size_t index = 0; index < std::min<std::size_t>(card.classes.size(), 256); ++index) {
        const Colour& rgb = index == 1 && first ? *first : card.classes[index].colour;
        colours.at<cv::Vec3b>(static_cast<int>(index)) = {rgb[2], rgb[1], rgb[0]};
    }
    return colours;
}

}  // namespace

std::string to_string(View view) {
    switch (view) {
        case View::overlay: return "overlay";
        case View::mask: return "mask";
        case View::side_by_side: return "side-by-side";
        case View::outline: return "outline";
        case View::cut_out: return "cut-out";
    }
    return "?";
}

Compositor::Compositor(const ModelCard& card, Look look, cv::Size frame_size)
    : look_(look),
      frame_(frame_size),
      binary_(card.binary()),
      // At 720p an outline of 3 pixels is seen on a screen; smaller frames take a finer one.
      steps_(std::max(1, static_cast<int>(std::nearbyint(frame_size.height / 720.0)))),
      colours_(colour_map(card, look.colour)),
      // One colour needs no map per frame.
      tint_(BAND + 4 * steps_, frame_size.width, CV_8UC3, bgr(look.colour.value_or(card.classes[1].colour))),
      kernel_(cv::Mat::ones(3, 3, CV_8U)) {}

cv::Size Compositor::size() const {
    return {look_.view == View::side_by_side ? 2 * frame_.width : frame_.width, frame_.height};
}

bool Compositor::in_place() const { return look_.view != View::mask && look_.view != View::side_by_side; }

void Compositor::compose(const cv::Mat& frame_bgr, const cv::Mat& labels, cv::Mat& out) {
    out.create(size(), CV_8UC3);
    if (look_.view == View::mask) {
        mask(labels, out);
        return;
    }
    if (look_.view == View::side_by_side) {
        cv::Mat left = out.colRange(0, frame_.width), right = out.colRange(frame_.width, out.cols);
        frame_bgr.copyTo(left);
        frame_bgr.copyTo(right);
        draw(labels, true, steps_, right);
        return;
    }
    if (out.data != frame_bgr.data) frame_bgr.copyTo(out);
    if (look_.view == View::cut_out) {
        out.setTo(bgr(look_.background), labels);
    } else {
        const bool tinted = look_.view == View::overlay;
        draw(labels, tinted, tinted ? steps_ : 2 * steps_, out);
    }
}

/// Tints the classes, or not, and outlines them: a blue tint over a blue sky hardly shows; its outline does.
/// steps: half of the outline's width, in pixels.
void Compositor::draw(const cv::Mat& labels, bool tinted, int steps, cv::Mat& picture) {
    for (int top = 0; top < frame_.height; top += BAND) {
        const cv::Range rows(top, std::min(top + BAND, frame_.height));
        // With the rows around it that its outline depends on.
        const cv::Range wider(std::max(rows.start - steps, 0), std::min(rows.end + steps, frame_.height));
        const cv::Range inner(rows.start - wider.start, rows.end - wider.start);
        cv::morphologyEx(labels.rowRange(wider), edge_, cv::MORPH_GRADIENT, kernel_, {-1, -1}, steps);
        cv::Mat band = picture.rowRange(rows);
        const cv::Mat colour = tint(labels.rowRange(wider), steps).rowRange(inner);
        if (tinted) {
            cv::addWeighted(band, 1 - look_.opacity, colour, look_.opacity, 0, blend_);
            blend_.copyTo(band, labels.rowRange(rows));
        }
        colour.copyTo(band, edge_.rowRange(inner));
    }
}

/// The colour of every pixel's class in these rows, classes grown, as half of the outline lies outside.
const cv::Mat& Compositor::tint(const cv::Mat& labels, int steps) {
    if (binary_) return tint_;
    cv::dilate(labels, grown_, kernel_, {-1, -1}, steps);
    cv::applyColorMap(grown_, tint_, colours_);
    return tint_;
}

void Compositor::mask(const cv::Mat& labels, cv::Mat& out) {
    if (binary_) {
        labels.convertTo(grown_, CV_8U, 255);
        cv::cvtColor(grown_, out, cv::COLOR_GRAY2BGR);
    } else {
        cv::applyColorMap(labels, out, colours_);
    }
}

void mask_picture(const cv::Mat& labels, const ModelCard& card, cv::Mat& out) {
    labels.convertTo(out, CV_8U, card.binary() ? 255 : 1);
}

}  // namespace skyseg
