#include "../player/photos.hpp"
#include "../player/pictures.hpp"
#include "../player/png.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

std::vector<std::string> names(const PhotoPlan& plan, const fs::path& root) {
    std::vector<std::string> found;
    for (const auto& photo : plan.photos) found.push_back(photo.path.lexically_relative(root).string());
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
    CHECK(plan_photos(folder.path().string(), "", "", 2).photos.size() == 2);
    write(folder / "back\\slash.jpg", "x");
    CHECK(names(plan("back\\slash*"), folder.path()) == Names{"back\\slash.jpg"});
    fs::remove(folder / "back\\slash.jpg");
    const auto photos = plan_photos(folder.path().string(), "masks", "pictures", 0).photos;
    CHECK(photos[2].mask == "masks/deep/c.png");
    CHECK(photos[2].picture == "pictures/deep/c.tiff");
    CHECK(plan_photos((folder / "b.jpg").string(), "m", "", 0).photos[0].mask == "m/b.png");
}

TEST_CASE("outputs that would meet, or meet an input, are refused") {
    const TemporaryFolder folder;
    for (const char* name : {"one.jpg", "one.bmp"}) write(folder / name, "x");
    const std::string given = folder.path().string();
    CHECK(contains(error_of([&] { plan_photos(given, "", folder.path(), 0); }).what(), "is the folder of the photos"));
    CHECK(contains(error_of([&] { plan_photos(given, "", folder.path() / "new" / "..", 0); }).what(), "is the folder of"));
    const std::string one = (folder / "one.jpg").string();
    CHECK(contains(error_of([&] { plan_photos(one, "", folder.path(), 0); }).what(), "would overwrite the picture"));
    write(folder / "two.png", "x");
    CHECK(contains(error_of([&] { plan_photos(given, "m", "./m", 0); }).what(), "both would write"));
    CHECK(contains(error_of([&] { plan_photos(given, folder / "m.png", "", 0); }).what(), "into a folder"));
    CHECK(contains(error_of([&] { plan_photos(given + "/none", "", "", 0); }).what(), "no such picture"));
    CHECK(contains(error_of([&] { plan_photos(given + "/*.webp", "", "", 0); }).what(), "no pictures there"));
}

TEST_CASE("masks of an earlier run are no photos") {
    const TemporaryFolder folder;
    write(folder / "a.jpg", "x");
    write(folder / "masks/a.png", "x");
    CHECK(plan_photos(folder.path().string(), folder / "masks", "", 0).photos.size() == 1);
    // Only those below the folder are: another's photos may lie below its masks.
    CHECK(plan_photos((folder / "masks").string(), folder.path(), "", 0).photos.size() == 1);
    CHECK(plan_photos((folder / "masks/*").string(), folder.path(), "", 0).photos.size() == 1);
}

TEST_CASE("photos of equal names but for the suffix keep it, and what cannot be written becomes PNG") {
    const TemporaryFolder folder;
    for (const char* name : {"a.jpg", "A.tif", "b.gif", "c.heic"}) write(folder / name, "x");
    const auto plan = plan_photos(folder.path().string(), "m", "p", 0);
    std::vector<std::string> masks, pictures;
    for (const auto& photo : plan.photos) {
        masks.push_back(photo.mask.filename().string());
        pictures.push_back(photo.picture.filename().string());
    }
    using Names = std::vector<std::string>;
    CHECK(masks == Names{"A.tif.png", "a.jpg.png", "b.png", "c.png"});
    CHECK(pictures == Names{"A.tif", "a.jpg", "b.png", "c.png"});
    REQUIRE(plan.notes.size() == 1);
    CHECK(contains(plan.notes[0], "so it stays: A.tif.png"));
}

TEST_CASE("linked folders are searched, but not round in circles; a link to nowhere is a photo that cannot be read") {
    const TemporaryFolder folder, elsewhere;
    write(elsewhere / "b.jpg", "x");
    fs::create_directory_symlink(elsewhere.path(), folder / "linked");
    fs::create_directory_symlink(folder.path(), elsewhere / "back");
    fs::create_symlink("nowhere", folder / "lost.jpg");
    const auto plan = plan_photos(folder.path().string(), "", "", 0);
    CHECK(names(plan, folder.path()) == std::vector<std::string>{"linked/b.jpg", "lost.jpg"});
    std::string why;
    CHECK(read_photo(folder / "lost.jpg", &why).empty());
    CHECK(why == "No such file or directory");
}

TEST_CASE("pictures are written whole and read back") {
    const TemporaryFolder folder;
    write_picture(folder / "new/a.png", scene({20, 10}, 4));
    CHECK(cv::norm(read_photo(folder / "new/a.png"), scene({20, 10}, 4), cv::NORM_INF) == 0);
    CHECK(contains(error_of([&] { write_picture(folder / "a.xyz", scene({4, 4}, 1)); }).what(), "of this kind"));
    CHECK(contains(error_of([&] { write_picture(folder / "a.webp", scene({16'400, 4}, 1)); }).what(), "of 16400x4 cannot"));
    write(folder / "broken.jpg", "no picture");
    CHECK(read_photo(folder / "broken.jpg").empty());
    CHECK(read_photo(folder / "none.jpg").empty());
}

TEST_CASE("a JPEG that ends too soon is refused, one that goes on after its end is not") {
    const TemporaryFolder folder;
    write_picture(folder / "whole.jpg", scene({200, 100}, 40));
    const std::string whole = read(folder / "whole.jpg");
    write(folder / "longer.jpg", whole + "a film, say");
    CHECK(read_photo(folder / "longer.jpg").size() == cv::Size(200, 100));
    for (const std::size_t kept : {whole.size() / 2, whole.size() * 9 / 10, whole.size() - 2}) {
        write(folder / "cut.jpg", whole.substr(0, kept));
        std::string why;
        CHECK(read_photo(folder / "cut.jpg", &why).empty());
        CHECK(contains(why, "ends too soon"));
    }
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
