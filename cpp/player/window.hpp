// A window on the screen; used from the main thread.
#pragma once

#include <optional>
#include <string>

#include <opencv2/core.hpp>

namespace skyseg {

/// What the module around OpenCV's highgui offers, under the name WINDOW_TOOLKIT: Debian's brings Qt, 17 MB that a
/// run without a window does not need.
struct WindowToolkit {
    void (*open)(const std::string& title, cv::Size size);
    void (*show)(const std::string& title, const cv::Mat& picture);
    int (*wait_key)(int milliseconds);  ///< -1: none
    bool (*closed)(const std::string& title);
    void (*close)(const std::string& title);
};
inline constexpr const char* WINDOW_TOOLKIT = "skyseg_window_toolkit";

class Window {
public:
    /// fps: nominally, of pictures that are shown at their times; 0 shows them as they come. hold: wait for a key after
    /// each.
    Window(std::string title, double fps, bool hold);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Why no window can be opened here; empty if one can. Asked first, because the toolkit would end the process.
    static std::string unavailable();

    /// Shows a picture, with `fps` once it is due, and answers keys: q or Esc quits, space pauses. False once the user
    /// has quit. time: of the picture in its source, in seconds.
    bool show(const cv::Mat& picture, std::optional<double> time = std::nullopt);

    /// Leaves the last picture standing for its time.
    void linger();

private:
    void await(std::optional<double> time);
    void heed(int key, bool hold);
    int wait_for_key() const;

    const WindowToolkit& toolkit_;
    std::string title_;
    double interval_, due_ = 0;   ///< seconds; when the picture that stands was due
    std::optional<double> time_;  ///< of that picture
    bool hold_, open_ = false, quit_ = false;
};

}  // namespace skyseg
