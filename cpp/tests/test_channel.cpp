#include <future>
#include <memory>
#include <thread>

#include "../player/channel.hpp"
#include "support.hpp"

using skyseg::Broken;
using skyseg::Channel;

TEST_CASE("a channel keeps the order and ends") {
    Channel<int> channel(2);
    std::thread giver([&] {
        for (int i = 0; i < 100; ++i) channel.put(i);
        channel.end();
    });
    int expected = 0;
    while (const auto item = channel.get()) CHECK(*item == expected++);
    CHECK(expected == 100);
    giver.join();
}

TEST_CASE("breaking a channel wakes who gives and who takes") {
    Channel<int> full(1), empty(1);
    full.put(0);
    auto giver = std::async(std::launch::async, [&] { full.put(1); });
    auto taker = std::async(std::launch::async, [&] { empty.get(); });
    full.break_off();
    empty.break_off();
    CHECK_THROWS_AS(giver.get(), Broken);
    CHECK_THROWS_AS(taker.get(), Broken);
    CHECK_THROWS_AS(full.put(2), Broken);
}

TEST_CASE("breaking a channel drops what it holds, so that promises inside break") {
    Channel<std::promise<void>> channel(1);
    std::promise<void> promise;
    auto future = promise.get_future();
    channel.put(std::move(promise));
    channel.break_off();
    CHECK_THROWS_AS(future.get(), std::future_error);
}
