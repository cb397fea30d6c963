// What is shown of a frame and its labels.
#pragma once

#include <array>
#include <optional>
#include <string>

#include <opencv2/core.hpp>

#include <skyseg/skyseg.hpp>

namespace skyseg {

using Colour = std::array<std::uint8_t, 3>;  // RGB

enum class View { overlay, mask, side_by_side, outline, cut_out };

std::string to_string(View view);

struct Look {
    View view = View::overlay;
    double opacity = 0.5;          ///< of the tint, 0..1
    std::optional<Colour> colour;  ///< of class 1's tint and outline, instead of the card's
    Colour background{};           ///< where a cut-out has lost the classes
};

/// Composes pictures of one view and one frame size; its scratch buffers make it one thread's own.
///     overlay       the frame, its classes tinted and outlined in their colours
///     mask          white on black, or the classes' colours where there are several
///     side-by-side  the frame left, the overlay right
///     outline       the frame, its classes outlined alone, twice as wide as in the overlay
///     cut-out       the frame, its classes cut out and the background colour in their place
class Compositor {
public:
    Compositor(const ModelCard& card, Look look, cv::Size frame_size);

    cv::Size frame_size() const { return frame_; }
    /// Of the pictures: twice as wide as the frame for side-by-side.
    cv::Size size() const;

    /// Whether the picture can be drawn onto the frame itself, which saves a buffer and a copy.
    bool in_place() const;

    /// frame_bgr: CV_8UC3; labels: CV_8UC1, class index; out: CV_8UC3 of `size`, made if it is not, or, `in_place`,
    /// the frame itself; any other frame stays unchanged.
    void compose(const cv::Mat& frame_bgr, const cv::Mat& labels, cv::Mat& out);

private:
    void draw(const cv::Mat& labels, bool tinted, int steps, cv::Mat& picture);
    void mask(const cv::Mat& labels, cv::Mat& out);
    const cv::Mat& tint(const cv::Mat& labels, int steps);

    Look look_;
    cv::Size frame_;
    bool binary_;
    int steps_;
    cv::Mat colours_, tint_, blend_, grown_, edge_, kernel_;  // but for the maps, of a band of rows
};

/// The mask as a file holds it, CV_8UC1: binary: 255 is class 1, 0 is not; else the class index.
void mask_picture(const cv::Mat& labels, const ModelCard& card, cv::Mat& out);

}  // namespace skyseg
