#include "compositor.hpp"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace skyseg {
namespace {

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
      tint_(frame_size, CV_8UC3, bgr(look.colour.value_or(card.classes[1].colour))),
      kernel_(cv::Mat::ones(3, 3, CV_8U)) {}

cv::Size Compositor::size() const {
    return {look_.view == View::side_by_side ? 2 * frame_.width : frame_.width, frame_.height};
}

void Compositor::compose(const cv::Mat& frame_bgr, const cv::Mat& labels, cv::Mat& out) {
    out.create(size(), CV_8UC3);
    switch (look_.view) {
        case View::overlay: overlay(frame_bgr, labels, out); return;
        case View::mask: mask(labels, out); return;
        case View::outline:
            frame_bgr.copyTo(out);
            outline(labels, out);
            return;
        case View::cut_out:
            frame_bgr.copyTo(out);
            out.setTo(bgr(look_.background), labels);
            return;
        case View::side_by_side: {
            cv::Mat left = out.colRange(0, frame_.width), right = out.colRange(frame_.width, out.cols);
            frame_bgr.copyTo(left);
            overlay(frame_bgr, labels, right);
        }
    }
}

void Compositor::overlay(const cv::Mat& frame_bgr, const cv::Mat& labels, cv::Mat& out) {
    frame_bgr.copyTo(out);
    cv::addWeighted(frame_bgr, 1 - look_.opacity, tint(labels), look_.opacity, 0, blend_);
    blend_.copyTo(out, labels);
    // A blue tint over a blue sky hardly shows; its outline does.
    outline(labels, out);
}

void Compositor::outline(const cv::Mat& labels, cv::Mat& out) {
    cv::morphologyEx(labels, edge_, cv::MORPH_GRADIENT, kernel_, {-1, -1}, steps_);
    tint(labels).copyTo(out, edge_);
}

/// The colour of every pixel's class, classes grown by the width of their outline.
const cv::Mat& Compositor::tint(const cv::Mat& labels) {
    if (binary_) return tint_;
    cv::dilate(labels, grown_, kernel_, {-1, -1}, steps_);
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
