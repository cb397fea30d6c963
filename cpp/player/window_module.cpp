// The module behind window.hpp.
#include <opencv2/highgui.hpp>

#include "window.hpp"

namespace skyseg {
namespace {

void open(const std::string& title, cv::Size size) {
    cv::namedWindow(title, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO | cv::WINDOW_GUI_NORMAL);
    cv::resizeWindow(title, size);
}

void show(const std::string& title, const cv::Mat& picture) { cv::imshow(title, picture); }

int wait_key(int milliseconds) { return cv::waitKey(milliseconds); }

bool closed(const std::string& title) {
    try {
        return cv::getWindowProperty(title, cv::WND_PROP_VISIBLE) < 1;
    } catch (const cv::Exception&) {  // what some toolkits answer for a window that is gone
        return true;
    }
}

void close(const std::string& title) {
    try {
        if (!closed(title)) cv::destroyWindow(title);
    } catch (const cv::Exception&) {  // the user has closed it meanwhile
    }
}

}  // namespace
}  // namespace skyseg

extern "C" {
extern const skyseg::WindowToolkit skyseg_window_toolkit;
const skyseg::WindowToolkit skyseg_window_toolkit{skyseg::open, skyseg::show, skyseg::wait_key, skyseg::closed,
                                                  skyseg::close};
}
