// A window on the screen; used from the main thread.
#pragma once

#include <string>

#include <opencv2/core.hpp>

namespace skyseg {

class Window {
public:
    /// fps: the pace to show pictures at, at most; 0 shows them as they come. hold: wait for a key after each.
    Window(std::string title, double fps, bool hold);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Why no window can be opened here; empty if one can. Asked first, because the toolkit would end the process.
    static std::string unavailable();

    /// Shows a picture and answers keys: q or Esc quits, space pauses. False once the user has quit.
    bool show(const cv::Mat& picture);

private:
    void create(cv::Size size);
    int wait_until_due();
    int wait_for_key() const;
    bool closed() const;

    std::string title_;
    double interval_, due_ = 0;
    bool hold_, open_ = false;
};

}  // namespace skyseg
