#include <cmath>

#include "../player/timing.hpp"
#include "support.hpp"

using skyseg::OutputClock;

TEST_CASE("a constant rate falls on its exact multiples, though its times were rounded") {
    OutputClock clock({30000, 1001});
    CHECK(av_cmp_q(clock.rate(), {30000, 1001}) == 0);
    for (int k = 0; k < 300; ++k) {
        const double rounded = std::round(k * 1001 / 30.0) / 1000;
        CHECK(clock.tick(7 + rounded) == k * clock.frame_ticks());
    }
    CHECK(clock.seconds(30 * clock.frame_ticks()) == doctest::Approx(1.001));
}

TEST_CASE("a variable rate is followed") {
    OutputClock clock({25, 1});
    for (const double time : {0.0, 0.04, 0.2, 0.2137, 5.0}) {
        CHECK(clock.seconds(clock.tick(time)) == doctest::Approx(time).epsilon(0.001));
    }
}

TEST_CASE("a clock that stands still or is not there has the nominal rate, and times always grow") {
    OutputClock clock({10, 1});
    CHECK(clock.tick(2) == 0);
    CHECK(clock.tick(2) == clock.frame_ticks());
    CHECK(clock.tick(1) == 2 * clock.frame_ticks());
    CHECK(clock.tick({}) == 3 * clock.frame_ticks());
    CHECK(clock.tick(2.05) == 3 * clock.frame_ticks() + 1);
}

TEST_CASE("rates that cannot be are brought into range") {
    CHECK(OutputClock({1, 100000}).rate().den == 1001);
    CHECK(OutputClock({120000, 1001}, 65535).rate().num == 120);
    CHECK(OutputClock({24, 1}, 65535).time_base().den <= 65535);
}
