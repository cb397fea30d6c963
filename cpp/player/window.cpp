#include "window.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cpu_clock.hpp"
#include "interrupts.hpp"
#include "module.hpp"

namespace skyseg {
namespace {

constexpr int ESCAPE = 27, SPACE = ' ', NO_KEY = -1, POLL_MS = 50;
constexpr double WIDEST = 1600, HIGHEST = 900;  // pixels a window takes at most when it opens

bool quits(int key) { return key == 'q' || key == 'Q' || key == ESCAPE; }

bool set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

}  // namespace

Window::Window(std::string title, double fps, bool hold)
    : toolkit_(load_module<WindowToolkit>("libskyseg_window.so", WINDOW_TOOLKIT)),
      title_(std::move(title)),
      interval_(fps > 0 ? 1 / fps : 0),
      hold_(hold) {}

Window::~Window() {
    if (open_) toolkit_.close(title_);
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
    if (!open_) {
        const double fit = std::min({1.0, WIDEST / picture.cols, HIGHEST / picture.rows});
        toolkit_.open(title_, {static_cast<int>(std::lround(picture.cols * fit)),
                               static_cast<int>(std::lround(picture.rows * fit))});
        open_ = true;
        due_ = now();
    }
    toolkit_.show(title_, picture);
    int key = wait_until_due();
    if (hold_ || key == SPACE) {
        key = wait_for_key();
        due_ = now();
    }
    return !(quits(key) || toolkit_.closed(title_));
}

int Window::wait_until_due() {
    due_ = std::max(due_ + interval_, now() - interval_);
    return toolkit_.wait_key(std::max(1, static_cast<int>((due_ - now()) * 1000)));
}

int Window::wait_for_key() const {
    while (!toolkit_.closed(title_) && !Interrupts::requested()) {
        const int key = toolkit_.wait_key(POLL_MS);
        if (key != NO_KEY) return key;
    }
    return ESCAPE;
}

}  // namespace skyseg
