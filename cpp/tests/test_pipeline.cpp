#include <chrono>
#include <stdexcept>
#include <thread>

#include "../player/pipeline.hpp"
#include "../player/video_writer.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

constexpr int FRAMES = 24;
const cv::Size SIZE(192, 128);

int horizon(int index) { return 8 + 4 * index; }

fs::path clip(const TemporaryFolder& folder) {
    VideoWriter writer(folder / "clip.mp4", SIZE, {12, 1});
    for (int i = 0; i < FRAMES; ++i) writer.write(scene(SIZE, horizon(i)));
    writer.finish();
    return folder / "clip.mp4";
}

Engine engine_with(int requests) {
    Options options;
    options.precision = Precision::fp32;
    options.requests = requests;
    options.threads = 2;
    return Engine::open(fixture("binary.onnx"), options);
}

/// Checks that frames come in order and whole; breaks at a frame, if told to.
class Probe : public Sink {
public:
    explicit Probe(int breaks_at = -1) : breaks_at_(breaks_at) {}
    void write(const cv::Mat& picture, const cv::Mat& labels, std::optional<double> time) override {
        if (seen == breaks_at_) throw std::runtime_error("the probe broke");
        CHECK(std::abs(horizon_in(labels) - horizon(seen)) <= 3);
        if (!picture.empty()) CHECK(picture.rows == SIZE.height);
        REQUIRE(time.has_value());
        CHECK(*time == doctest::Approx(seen / 12.0));
        if (seen % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ++seen;
    }
    void finish() override { finished = true; }

    int seen = 0;
    bool finished = false;

private:
    int breaks_at_;
};

struct Played {
    RunStats stats;
    int seen;
    bool finished;
};

Played played(int requests, std::optional<View> view, long max_frames = 0) {
    const TemporaryFolder folder;
    VideoReader reader(clip(folder));
    Engine engine = engine_with(requests);
    std::optional<Compositor> compositor;
    if (view) {
        Look look;
        look.view = *view;
        compositor.emplace(engine.info().card, look, reader.size());
    }
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(std::make_unique<Probe>());
    const auto& probe = static_cast<Probe&>(*sinks.front());
    long counted = 0;
    const auto stats = play(reader, engine, sinks,
                            {compositor ? &*compositor : nullptr, nullptr, max_frames, {}, [&](long n) { counted = n; }});
    CHECK(counted == stats.frames);
    return {stats, probe.seen, probe.finished};
}

}  // namespace

TEST_CASE("every frame arrives in order, however many are in flight and whatever is drawn") {
    for (const int requests : {1, 3}) {
        for (const std::optional<View> view : {std::optional<View>(), std::optional(View::overlay), std::optional(View::mask)}) {
            const Played run = played(requests, view);
            CHECK(run.stats.frames == FRAMES);
            CHECK(run.seen == FRAMES);
            CHECK(run.finished);
            CHECK(run.stats.first_frame_s > 0);
            CHECK(run.stats.first_frame_s <= run.stats.seconds);
        }
    }
}

TEST_CASE("max_frames ends early") {
    CHECK(played(2, View::overlay, 5).stats.frames == 5);
    CHECK(played(2, std::nullopt, 1000).stats.frames == FRAMES);
}

TEST_CASE("an error in a sink ends the run with that error, and nothing is finished") {
    const TemporaryFolder folder;
    const auto path = clip(folder);
    Engine engine = engine_with(2);
    for (const int breaks_at : {0, 1, 11, FRAMES - 1}) {
        VideoReader reader(path);
        std::vector<std::unique_ptr<Sink>> sinks;
        sinks.push_back(std::make_unique<VideoSink>(folder / "out.mp4", SIZE, reader.fps(), ""));
        sinks.push_back(std::make_unique<Probe>(breaks_at));
        const auto& probe = static_cast<Probe&>(*sinks.back());
        Compositor compositor(engine.info().card, {}, SIZE);
        CHECK_THROWS_WITH(play(reader, engine, sinks, {&compositor, nullptr, 0, {}, {}}), "the probe broke");
        CHECK_FALSE(probe.finished);
        sinks.clear();
        CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);  // the clip alone
    }
}

TEST_CASE("an error on the calling thread ends the run too") {
    const TemporaryFolder folder;
    VideoReader reader(clip(folder));
    Engine engine = engine_with(2);
    const auto on_frame = [](long count) {
        if (count == 3) throw std::runtime_error("enough");
    };
    CHECK_THROWS_WITH(play(reader, engine, {}, {nullptr, nullptr, 0, {}, on_frame}), "enough");
}
