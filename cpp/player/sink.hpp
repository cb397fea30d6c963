// Where the frames of a run go, in their order.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <skyseg/skyseg.hpp>

#include "png.hpp"
#include "video_writer.hpp"

namespace skyseg {

class Sink {
public:
    virtual ~Sink() = default;
    /// picture: composed, empty if nobody composes; labels: CV_8UC1 at the frame's size.
    /// time: of the frame in its source, in seconds, if that says.
    virtual void write(const cv::Mat& picture, const cv::Mat& labels, std::optional<double> time) = 0;
    /// After the last frame; a sink that is not finished keeps nothing half-written.
    virtual void finish() {}
    virtual ThreadIds threads() const { return {}; }
    /// What a user would not expect of what was written, a line each.
    virtual std::vector<std::string> notes() const { return {}; }
};

class VideoSink : public Sink {
public:
    /// As `VideoWriter`.
    VideoSink(const std::filesystem::path& path, cv::Size size, AVRational fps, const std::filesystem::path& sound_of)
        : writer_(path, size, fps, sound_of) {}
    void write(const cv::Mat& picture, const cv::Mat&, std::optional<double> time) override {
        writer_.write(picture, time);
    }
    void finish() override { writer_.finish(); }
    ThreadIds threads() const override { return writer_.threads(); }
    std::vector<std::string> notes() const override { return writer_.notes(); }

private:
    VideoWriter writer_;
};

/// A PNG per frame, 000000.png onwards.
class MaskFolder : public Sink {
public:
    /// Makes the folder. Throws Error if nothing can be written there.
    MaskFolder(std::filesystem::path folder, ModelCard card);
    void write(const cv::Mat&, const cv::Mat& labels, std::optional<double> time) override;

private:
    std::filesystem::path folder_;
    ModelCard card_;
    long frames_ = 0;
    cv::Mat mask_;
    std::optional<PngEncoder> png_;
};

}  // namespace skyseg
