#include <opencv2/imgproc.hpp>

#include "../player/compositor.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

const cv::Size SIZE(60, 50);

ModelCard sky_card() {
    ModelCard card;
    card.classes = {{"background", {0, 0, 0}}, {"sky", {10, 20, 200}}};
    return card;
}

cv::Mat upper_half() {
    cv::Mat labels(SIZE, CV_8UC1, cv::Scalar(0));
    labels.rowRange(0, 25).setTo(1);
    return labels;
}

cv::Mat composed(const ModelCard& card, const Look& look, const cv::Mat& labels) {
    Compositor compositor(card, look, SIZE);
    const cv::Mat frame(SIZE, CV_8UC3, cv::Scalar(100, 100, 100));
    cv::Mat out;
    compositor.compose(frame, labels, out);
    CHECK(out.size() == compositor.size());
    if (compositor.in_place()) {
        cv::Mat drawn = frame.clone();
        compositor.compose(drawn, labels, drawn);
        CHECK_MESSAGE(cv::norm(drawn, out, cv::NORM_INF) == 0, "in place, the same picture");
    }
    return out;
}

cv::Vec3b at(const cv::Mat& picture, int row, int column = 30) { return picture.at<cv::Vec3b>(row, column); }

}  // namespace

TEST_CASE("an overlay tints the class and outlines it") {
    const cv::Mat picture = composed(sky_card(), {}, upper_half());
    CHECK(at(picture, 5) == cv::Vec3b(150, 60, 55));
    CHECK(at(picture, 24) == cv::Vec3b(200, 20, 10));
    CHECK(at(picture, 25) == cv::Vec3b(200, 20, 10));
    CHECK(at(picture, 40) == cv::Vec3b(100, 100, 100));
}

TEST_CASE("colour and opacity are the user's") {
    Look look;
    look.colour = Colour{255, 0, 0};
    look.opacity = 1;
    CHECK(at(composed(sky_card(), look, upper_half()), 5) == cv::Vec3b(0, 0, 255));
}

TEST_CASE("the other views") {
    Look look;
    look.view = View::mask;
    CHECK(at(composed(sky_card(), look, upper_half()), 5) == cv::Vec3b(255, 255, 255));
    CHECK(at(composed(sky_card(), look, upper_half()), 40) == cv::Vec3b(0, 0, 0));
    look.view = View::outline;
    CHECK(at(composed(sky_card(), look, upper_half()), 5) == cv::Vec3b(100, 100, 100));
    for (const int row : {23, 24, 25, 26}) CHECK(at(composed(sky_card(), look, upper_half()), row) == cv::Vec3b(200, 20, 10));
    for (const int row : {22, 27}) CHECK(at(composed(sky_card(), look, upper_half()), row) == cv::Vec3b(100, 100, 100));
    look.view = View::cut_out;
    look.background = {1, 2, 3};
    CHECK(at(composed(sky_card(), look, upper_half()), 5) == cv::Vec3b(3, 2, 1));
    CHECK(at(composed(sky_card(), look, upper_half()), 40) == cv::Vec3b(100, 100, 100));
    look.view = View::side_by_side;
    const cv::Mat both = composed(sky_card(), look, upper_half());
    CHECK(both.cols == 120);
    CHECK(at(both, 5) == cv::Vec3b(100, 100, 100));
    CHECK(at(both, 5, 90) == cv::Vec3b(150, 60, 55));
}

TEST_CASE("an outline is the same wherever the bands of rows meet") {
    Look look;
    look.view = View::outline;
    for (int horizon = 26; horizon < 40; ++horizon) {
        cv::Mat labels(SIZE, CV_8UC1, cv::Scalar(0)), edge;
        labels.rowRange(0, horizon).setTo(1);
        cv::morphologyEx(labels, edge, cv::MORPH_GRADIENT, cv::Mat::ones(3, 3, CV_8U), {-1, -1}, 2);
        cv::Mat drawn;
        cv::extractChannel(composed(sky_card(), look, labels), drawn, 0);
        CHECK(cv::countNonZero((drawn == 200) != (edge != 0)) == 0);
    }
}

TEST_CASE("several classes have their own colours") {
    ModelCard card = sky_card();
    card.classes.push_back({"road", {0, 255, 0}});
    cv::Mat labels = upper_half();
    labels.rowRange(40, 50).setTo(2);
    Look look;
    look.view = View::mask;
    CHECK(at(composed(card, look, labels), 45) == cv::Vec3b(0, 255, 0));
    look.view = View::overlay;
    CHECK(at(composed(card, look, labels), 45) == cv::Vec3b(50, 178, 50));
    cv::Mat mask;
    mask_picture(labels, card, mask);
    CHECK(mask.at<std::uint8_t>(45, 0) == 2);
    mask_picture(upper_half(), sky_card(), mask);
    CHECK(mask.at<std::uint8_t>(5, 0) == 255);
}
