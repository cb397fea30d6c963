// A frame to the model's size, and the answer back to the frame's: src/runtime/frames.py, line by line.
#pragma once

#include <skyseg/skyseg.hpp>

namespace skyseg {

/// Resizes a frame, CV_8UC3 BGR, to the model's input (stretch, bilinear) and turns it to RGB.
void prepare(const cv::Mat& frame_bgr, const ModelCard& card, cv::Mat& rgb);

/// The class of every pixel at `size`. Binary: the confidence is resized bilinearly and thresholded at full size,
/// which follows an edge more smoothly than enlarged labels; else: the nearest label.
/// threshold: 0..1, of a binary model.
void upscale_labels(const Masks& small, cv::Size size, const ModelCard& card, double threshold, cv::Mat& labels);

/// Confidence resized bilinearly.
void upscale_confidence(const Masks& small, cv::Size size, cv::Mat& confidence);

}  // namespace skyseg
