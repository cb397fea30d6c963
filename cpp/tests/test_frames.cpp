#include "../src/frames.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

ModelCard card_of(std::size_t classes) {
    ModelCard card;
    card.classes.resize(classes);
    card.height = 4;
    card.width = 6;
    return card;
}

}  // namespace

TEST_CASE("prepare resizes and turns BGR to RGB") {
    cv::Mat rgb;
    prepare(cv::Mat(40, 30, CV_8UC3, cv::Scalar(1, 2, 3)), card_of(2), rgb);
    CHECK(rgb.size() == cv::Size(6, 4));
    CHECK(rgb.at<cv::Vec3b>(2, 3) == cv::Vec3b(3, 2, 1));
}

TEST_CASE("a confidence that reaches the threshold is of class 1") {
    const Masks small{cv::Mat(), (cv::Mat_<std::uint8_t>(1, 4) << 0, 127, 128, 255)};
    cv::Mat labels;
    const auto ones_at = [&](double threshold) {
        upscale_labels(small, {4, 1}, card_of(2), threshold, labels);
        return cv::countNonZero(labels);
    };
    CHECK(ones_at(0) == 4);
    CHECK(ones_at(0.5) == 2);  // 127.5 goes to 128, its even neighbour, as in Python
    CHECK(ones_at(1) == 1);
}

TEST_CASE("labels of more classes are taken from the nearest pixel") {
    const Masks small{(cv::Mat_<std::uint8_t>(1, 2) << 1, 2), cv::Mat(1, 2, CV_8UC1, cv::Scalar(9))};
    cv::Mat labels, confidence;
    upscale_labels(small, {4, 2}, card_of(3), 0, labels);
    CHECK(cv::countNonZero(labels == 1) == 4);
    CHECK(cv::countNonZero(labels == 2) == 4);
    upscale_confidence(small, {4, 2}, confidence);
    CHECK(cv::countNonZero(confidence == 9) == 8);
}
