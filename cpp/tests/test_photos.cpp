#include "../player/photos.hpp"
#include "../player/pictures.hpp"
#include "../player/png.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

std::vector<std::string> names(const std::vector<Photo>& photos, const fs::path& root) {
    std::vector<std::string> found;
    for (const auto& photo : photos) found.push_back(photo.path.lexically_relative(root).string());
    return found;
}

}  // namespace

TEST_CASE("photos are found in a folder or by a pattern, and their outputs mirror the tree") {
    const TemporaryFolder folder;
    for (const char* name : {"b.jpg", "a.PNG", "deep/c.tiff", "deep/er/d.webp", "notes.txt", ".hidden.jpg"}) {
        write(folder / name, "x");
    }
    using Names = std::vector<std::string>;
    const auto plan = [&](const std::string& given) { return plan_photos((folder / given).string(), "", "", 0); };
    CHECK(names(plan(""), folder.path()) == Names{"a.PNG", "b.jpg", "deep/c.tiff", "deep/er/d.webp"});
    CHECK(names(plan("*.jpg"), folder.path()) == Names{"b.jpg"});
    CHECK(names(plan("**/*.*"), folder.path()) == Names{"a.PNG", "b.jpg", "deep/c.tiff", "deep/er/d.webp"});
    CHECK(names(plan("d*/[bc].*"), folder.path()) == Names{"deep/c.tiff"});
    CHECK(plan_photos(folder.path().string(), "", "", 2).size() == 2);
    const auto photos = plan_photos(folder.path().string(), "masks", "pictures", 0);
    CHECK(photos[2].mask == "masks/deep/c.png");
    CHECK(photos[2].picture == "pictures/deep/c.tiff");
    CHECK(plan_photos((folder / "b.jpg").string(), "m", "", 0)[0].mask == "m/b.png");
}

TEST_CASE("outputs that would meet, or meet an input, are refused") {
    const TemporaryFolder folder;
    for (const char* name : {"one.jpg", "one.bmp"}) write(folder / name, "x");
    const std::string given = folder.path().string();
    CHECK(contains(error_of([&] { plan_photos(given, folder / "m", "", 0); }).what(), "both would write"));
    CHECK(contains(error_of([&] { plan_photos(given, "", folder.path(), 0); }).what(), "would overwrite the picture"));
    CHECK(contains(error_of([&] { plan_photos(given, folder / "m.png", "", 0); }).what(), "into a folder"));
    CHECK(contains(error_of([&] { plan_photos(given + "/none", "", "", 0); }).what(), "no such picture"));
    CHECK(contains(error_of([&] { plan_photos(given + "/*.webp", "", "", 0); }).what(), "no pictures there"));
}

TEST_CASE("masks of an earlier run are no photos") {
    const TemporaryFolder folder;
    write(folder / "a.jpg", "x");
    write(folder / "masks/a.png", "x");
    CHECK(plan_photos(folder.path().string(), folder / "masks", "", 0).size() == 1);
}

TEST_CASE("pictures are written whole and read back") {
    const TemporaryFolder folder;
    write_picture(folder / "new/a.png", scene({20, 10}, 4));
    CHECK(cv::norm(read_photo(folder / "new/a.png"), scene({20, 10}, 4), cv::NORM_INF) == 0);
    CHECK(contains(error_of([&] { write_picture(folder / "a.xyz", scene({4, 4}, 1)); }).what(), "of this kind"));
    write(folder / "broken.jpg", "no picture");
    CHECK(read_photo(folder / "broken.jpg").empty());
    CHECK(read_photo(folder / "none.jpg").empty());
}

TEST_CASE("a mask encoded by FFmpeg is the same PNG to OpenCV") {
    const TemporaryFolder folder;
    PngEncoder encoder({97, 31});
    for (const int value : {255, 3}) {
        cv::Mat mask(31, 97, CV_8UC1, cv::Scalar(0));
        mask.rowRange(3, 17).setTo(value);
        const cv::Mat file = encoder.encode(mask);
        write(folder / "mask.png", std::string(file.begin<char>(), file.end<char>()));
        cv::Mat grey;
        cv::extractChannel(read_photo(folder / "mask.png"), grey, 1);
        CHECK(cv::norm(grey, mask, cv::NORM_INF) == 0);
    }
}
