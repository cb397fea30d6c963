#include "window.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <future>
#include <thread>

#include "cpu_clock.hpp"
#include "interrupts.hpp"
#include "module.hpp"

namespace skyseg {
namespace {

constexpr int ESCAPE = 27, SPACE = ' ', NO_KEY = -1, POLL_MS = 50;
constexpr double LAST_S = 1;  // that the last picture stands, at most
constexpr std::chrono::seconds DISPLAY_WAIT{5};  // for the display's answer, which takes a millisecond on the same machine
constexpr double WIDEST = 1600, HIGHEST = 900;  // pixels a window takes at most when it opens

bool quits(int key) { return key == 'q' || key == 'Q' || key == ESCAPE; }

bool set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

/// Whether the X server of DISPLAY is there and lets us in, as Qt is going to find out: through libxcb.
bool x_answers() {
    std::promise<bool> answer;
    auto answered = answer.get_future();
    // On a thread of its own, as a display beyond a network may leave it waiting.
    std::thread([answer = std::move(answer)]() mutable {
        void* const xcb = dlopen("libxcb.so.1", RTLD_NOW | RTLD_LOCAL);
        if (xcb == nullptr) return answer.set_value(false);  // Qt has no use for the display without it either
        const auto connect = reinterpret_cast<void* (*)(const char*, int*)>(dlsym(xcb, "xcb_connect"));
        const auto has_error = reinterpret_cast<int (*)(void*)>(dlsym(xcb, "xcb_connection_has_error"));
        const auto disconnect = reinterpret_cast<void (*)(void*)>(dlsym(xcb, "xcb_disconnect"));
        if (connect == nullptr || has_error == nullptr || disconnect == nullptr) return answer.set_value(false);
        void* const connection = connect(nullptr, nullptr);
        answer.set_value(has_error(connection) == 0);
        disconnect(connection);
    }).detach();
    return answered.wait_for(DISPLAY_WAIT) == std::future_status::ready && answered.get();
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
    if (set("WAYLAND_DISPLAY")) return "";
    if (!set("DISPLAY")) return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)";
    if (!x_answers()) {
        return std::string("the display ") + std::getenv("DISPLAY") + " (DISPLAY) does not answer, or lets no one in";
    }
#endif
    return "";
}

bool Window::show(const cv::Mat& picture, std::optional<double> time) {
    if (!open_) {
        const double fit = std::min({1.0, WIDEST / picture.cols, HIGHEST / picture.rows});
        toolkit_.open(title_, {static_cast<int>(std::lround(picture.cols * fit)),
                               static_cast<int>(std::lround(picture.rows * fit))});
        open_ = true;
        due_ = now();
    }
    await(time);
    if (quit_) return false;
    toolkit_.show(title_, picture);
    heed(toolkit_.wait_key(1), hold_);
    return !quit_;
}

void Window::linger() {
    if (open_ && time_ && !quit_) await(*time_ + std::min(interval_, LAST_S));
}

/// Answers keys until the picture of a time is due; one that comes late is caught up with, but no more.
void Window::await(std::optional<double> time) {
    if (interval_ <= 0 || !time) return;
    const double step = std::max(0.0, *time - time_.value_or(*time));
    due_ = std::max(due_ + step, now() - step);
    time_ = time;
    while (!quit_ && !Interrupts::requested()) {
        const double left_ms = (due_ - now()) * 1000;
        if (left_ms <= 0) return;
        heed(toolkit_.wait_key(std::clamp(static_cast<int>(left_ms), 1, POLL_MS)), false);
    }
}

/// Does what a key asks for while a picture stands; held, it stands until there is one.
void Window::heed(int key, bool hold) {
    if (!quits(key) && (hold || key == SPACE)) {
        key = wait_for_key();
        due_ = now();
    }
    quit_ = quits(key) || toolkit_.closed(title_);
}

int Window::wait_for_key() const {
    while (!toolkit_.closed(title_) && !Interrupts::requested()) {
        const int key = toolkit_.wait_key(POLL_MS);
        if (key != NO_KEY) return key;
    }
    return ESCAPE;
}

}  // namespace skyseg
