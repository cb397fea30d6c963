// What several tests share: temporary folders, made frames, and the fixtures that tests/cpp/fixtures.py wrote.
#pragma once

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <opencv2/core.hpp>

#include <skyseg/skyseg.hpp>

namespace fs = std::filesystem;

/// A folder that goes with the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "skyseg-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~TemporaryFolder() {
        std::error_code gone;
        fs::remove_all(path_, gone);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    fs::path operator/(const fs::path& name) const { return path_ / name; }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

inline fs::path fixture(const std::string& name) {
    const char* const folder = std::getenv("SKYSEG_FIXTURES");
    REQUIRE_MESSAGE(folder != nullptr, "run through ctest, which sets SKYSEG_FIXTURES");
    return fs::path(folder) / name;
}

inline void write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

inline std::string read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// Blue sky over brown ground.
inline cv::Mat scene(cv::Size size, int horizon) {
    cv::Mat frame(size, CV_8UC3, cv::Scalar(30, 70, 110));
    frame.rowRange(0, horizon).setTo(cv::Scalar(230, 150, 60));
    return frame;
}

/// Rows of class 1 in the middle column.
inline int horizon_in(const cv::Mat& labels) { return cv::countNonZero(labels.col(labels.cols / 2)); }

/// Runs something that must throw a skyseg::Error, and returns it.
template <typename Work>
skyseg::Error error_of(Work work) {
    try {
        work();
    } catch (const skyseg::Error& error) {
        return error;
    }
    FAIL("no error was raised");
    return skyseg::Error("");
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
