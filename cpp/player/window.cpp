#include "window.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <opencv2/highgui.hpp>

#include "cpu_clock.hpp"
#include "interrupts.hpp"

namespace skyseg {
namespace {

constexpr int ESCAPE = 27, SPACE = ' ', NO_KEY = 255;
constexpr double WIDEST = 1600, HIGHEST = 900;  // pixels a window takes at most when it opens

bool quits(int key) { return key == 'q' || key == 'Q' || key == ESCAPE; }

bool set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

}  // namespace

Window::Window(std::string title, double fps, bool hold)
    : title_(std::move(title)), interval_(fps > 0 ? 1 / fps : 0), hold_(hold) {}

Window::~Window() {
    try {
        if (open_ && !closed()) cv::destroyWindow(title_);
    } catch (const cv::Exception&) {  // the user has closed it meanwhile
    }
}

std::string Window::unavailable() {
#ifdef __linux__
    if (!set("DISPLAY") && !set("WAYLAND_DISPLAY")) {
        return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)";
    }
#endif
    return "";
}

bool Window::show(const cv::Mat& picture) {
    if (!open_) create(picture.size());
    cv::imshow(title_, picture);
    int key = wait_until_due();
    if (hold_ || key == SPACE) {
        key = wait_for_key();
        due_ = now();
    }
    return !(quits(key) || closed());
}

void Window::create(cv::Size size) {
    cv::namedWindow(title_, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO | cv::WINDOW_GUI_NORMAL);
    const double fit = std::min({1.0, WIDEST / size.width, HIGHEST / size.height});
    cv::resizeWindow(title_, static_cast<int>(std::lround(size.width * fit)),
                     static_cast<int>(std::lround(size.height * fit)));
    open_ = true;
    due_ = now();
}

int Window::wait_until_due() {
    due_ = std::max(due_ + interval_, now() - interval_);
    return cv::waitKey(std::max(1, static_cast<int>((due_ - now()) * 1000))) & 0xFF;
}

int Window::wait_for_key() const {
    while (!closed() && !Interrupts::requested()) {
        const int key = cv::waitKey(50) & 0xFF;
        if (key != NO_KEY) return key;
    }
    return ESCAPE;
}

bool Window::closed() const {
    try {
        return cv::getWindowProperty(title_, cv::WND_PROP_VISIBLE) < 1;
    } catch (const cv::Exception&) {
        return true;
    }
}

}  // namespace skyseg
