// Where the frames of a run go, in their order.
#pragma once

#include <filesystem>
#include <optional>

#include <opencv2/core.hpp>

#include <skyseg/skyseg.hpp>

#include "png.hpp"
#include "video_writer.hpp"

namespace skyseg {

class Sink {
public:
    virtual ~Sink() = default;
    /// picture: composed, empty if nobody composes; labels: CV_8UC1 at the frame's size.
    virtual void write(const cv::Mat& picture, const cv::Mat& labels) = 0;
    /// After the last frame; a sink that is not finished keeps nothing half-written.
    virtual void finish() {}
    virtual ThreadIds threads() const { return {}; }
};

class VideoSink : public Sink {
public:
    VideoSink(const std::filesystem::path& path, cv::Size size, AVRational fps) : writer_(path, size, fps) {}
    void write(const cv::Mat& picture, const cv::Mat&) override { writer_.write(picture); }
    void finish() override { writer_.finish(); }
    ThreadIds threads() const override { return writer_.threads(); }

private:
    VideoWriter writer_;
};

/// A PNG per frame, 000000.png onwards.
class MaskFolder : public Sink {
public:
    /// Makes the folder. Throws Error if nothing can be written there.
    MaskFolder(std::filesystem::path folder, ModelCard card);
    void write(const cv::Mat&, const cv::Mat& labels) override;

private:
    std::filesystem::path folder_;
    ModelCard card_;
    long frames_ = 0;
    cv::Mat mask_;
    std::optional<PngEncoder> png_;
};

}  // namespace skyseg
