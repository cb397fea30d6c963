#include "../player/video_reader.hpp"
#include "../player/video_writer.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

void write_clip(const fs::path& path, cv::Size size, int frames) {
    VideoWriter writer(path, size, {12, 1});
    for (int i = 0; i < frames; ++i) writer.write(scene(size, size.height / 2));
    writer.finish();
}

int frames_in(const fs::path& path) {
    VideoReader reader(path);
    cv::Mat frame = reader.buffer();
    int count = 0;
    while (reader.read(frame)) ++count;
    return count;
}

}  // namespace

TEST_CASE("a video comes back with its size, rate, length and colours") {
    const TemporaryFolder folder;
    write_clip(folder / "new/clip.mp4", {96, 64}, 7);
    VideoReader reader(folder / "new/clip.mp4");
    CHECK(reader.size() == cv::Size(96, 64));
    CHECK(av_q2d(reader.fps()) == doctest::Approx(12));
    CHECK(reader.frame_count() == 7);
    cv::Mat frame = reader.buffer();
    REQUIRE(reader.read(frame));
    CHECK(cv::norm(frame(cv::Rect(10, 4, 60, 20)), scene({96, 64}, 64)(cv::Rect(10, 4, 60, 20)), cv::NORM_INF) < 8);
    CHECK(frames_in(folder / "new/clip.mp4") == 7);
    CHECK(std::distance(fs::directory_iterator(folder / "new"), {}) == 1);
}

TEST_CASE("odd sizes get a last row and column; every container is written") {
    const TemporaryFolder folder;
    for (const char* name : {"a.mp4", "a.MOV", "a.m4v", "a.mkv"}) {
        write_clip(folder / name, {97, 63}, 3);
        CHECK(VideoReader(folder / name).size() == cv::Size(98, 64));
        CHECK(frames_in(folder / name) == 3);
    }
}

TEST_CASE("a video that is not finished leaves the earlier one") {
    const TemporaryFolder folder;
    write(folder / "out.mp4", "earlier");
    { VideoWriter(folder / "out.mp4", {64, 64}, {25, 1}).write(scene({64, 64}, 9)); }
    CHECK(read(folder / "out.mp4") == "earlier");
    VideoWriter(folder / "out.mp4", {64, 64}, {25, 1}).finish();  // not one picture: nothing to keep
    CHECK(read(folder / "out.mp4") == "earlier");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("what is no video, or no place for one, is refused") {
    const TemporaryFolder folder;
    const auto reading = [&](const fs::path& path) { return std::string(error_of([&] { VideoReader{path}; }).what()); };
    CHECK(contains(reading(folder / "none.mp4"), "no such video"));
    CHECK(contains(reading(folder.path()), "a folder, not a video"));
    write(folder / "empty.mp4", "");
    CHECK(contains(reading(folder / "empty.mp4"), "an empty file"));
    write(folder / "text.mp4", std::string(600, 'w'));
    CHECK(contains(reading(folder / "text.mp4"), "no frame can be read"));
    write(folder / "picture.jpg", "x");
    CHECK(contains(reading(folder / "picture.jpg"), "a picture, not a video"));
    write_clip(folder / "whole.mp4", {64, 64}, 5);
    write(folder / "cut.mp4", read(folder / "whole.mp4").substr(0, 300));
    CHECK(contains(reading(folder / "cut.mp4"), "no frame can be read"));
    const auto writing = [&](const fs::path& path) {
        return std::string(error_of([&] { VideoWriter(path, {64, 64}, {25, 1}); }).what());
    };
    CHECK(contains(writing(folder / "out.webp"), "of this kind"));
    CHECK(contains(writing(folder / "text.mp4" / "out.mp4"), "cannot be made a folder"));
    fs::create_directory(folder / "folder.mp4");
    CHECK(contains(writing(folder / "folder.mp4"), "a folder of this name"));
}

TEST_CASE("rotation metadata is applied") {
    const TemporaryFolder folder;
    write_clip(folder / "clip.mp4", {96, 64}, 2);
    std::string file = read(folder / "clip.mp4");
    // The track header's matrix (ISO/IEC 14496-12, 8.3.2) follows 44 bytes after its name: identity to 90 degrees.
    const auto header = file.find("tkhd");
    REQUIRE(header != std::string::npos);
    const std::string one("\0\1\0\0", 4), minus_one("\xff\xff\0\0", 4), zero(4, '\0'), unit("\x40\0\0\0", 4);
    const std::string matrix = zero + one + zero + minus_one + zero + zero + zero + zero + unit;
    file.replace(header + 44, matrix.size(), matrix);
    write(folder / "turned.mp4", file);
    VideoReader reader(folder / "turned.mp4");
    CHECK(reader.size() == cv::Size(64, 96));
    cv::Mat frame = reader.buffer();
    REQUIRE(reader.read(frame));
    CHECK(frame.size() == cv::Size(64, 96));
    CHECK(frame.at<cv::Vec3b>(50, 60)[0] > 150);  // the sky, above before, is at the right after a clockwise turn
    CHECK(frame.at<cv::Vec3b>(50, 4)[0] < 100);
}
