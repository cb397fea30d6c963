#include <nlohmann/json.hpp>

#include "../player/stats.hpp"
#include "support.hpp"

using namespace skyseg;

TEST_CASE("covered_seconds is the union of the intervals") {
    CHECK(covered_seconds({}) == 0);
    CHECK(covered_seconds({{5, 6}, {0, 2}, {1, 3}}) == doctest::Approx(4));
    CHECK(covered_seconds({{0, 10}, {2, 3}}) == doctest::Approx(10));
}

TEST_CASE("percentile goes between neighbours as numpy's does") {
    CHECK(percentile({}, 50) == 0);
    CHECK(percentile({4, 1, 3, 2}, 50) == doctest::Approx(2.5));
    CHECK(percentile({1, 2, 3, 4}, 95) == doctest::Approx(3.85));
}

TEST_CASE("the figures have the Python player's names") {
    Measured measured;
    measured.frames = 4;
    measured.seconds = 2;
    measured.first_frame_s = 0.5;
    measured.wall[INFER] = {0.1, 0.3};
    measured.cpu[SINK] = 0.2;
    measured.inferring = {{0, 1}};
    const auto figures = nlohmann::json::parse(summarise(measured).to_json());
    CHECK(figures["frames"] == 4);
    CHECK(figures["fps"] == 2.0);
    CHECK(figures["model_fps"] == 4.0);
    CHECK(figures["drops"] == 0);
    CHECK(figures["steps"]["infer"]["p50_ms"] == 200.0);
    CHECK(figures["steps"]["sink"]["cpu_ms"] == 50.0);
    CHECK(figures["peak_rss_mb"] > 0);
    CHECK(figures.size() == 9);
}
