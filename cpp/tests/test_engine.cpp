#include <future>

#include "support.hpp"

using namespace skyseg;

namespace {

const cv::Size SIZE(301, 203);

Options with(Backend backend, int requests = 1) {
    Options options;
    options.backend = backend;
    options.precision = Precision::fp32;
    options.requests = requests;
    options.threads = 2;
    return options;
}

}  // namespace

TEST_CASE("every backend that is built in finds the sky at the frame's own size") {
    REQUIRE_FALSE(backends().empty());
    for (const Backend backend : backends()) {
        if (backend == Backend::tensorrt) continue;  // needs a GPU
        CAPTURE(to_string(backend));
        Engine engine = Engine::open(fixture("binary.onnx"), with(backend));
        CHECK(engine.info().backend == backend);
        CHECK(engine.info().card.name == "blue-and-high");
        const Masks masks = engine.run(scene(SIZE, 100));
        CHECK(masks.labels.size() == SIZE);
        CHECK(masks.confidence.size() == SIZE);
        CHECK(std::abs(horizon_in(masks.labels) - 100) <= 3);
        CHECK(masks.confidence.at<std::uint8_t>(5, 5) > 200);
    }
}

TEST_CASE("a frame may change as soon as it is taken") {
    Engine engine = Engine::open(fixture("binary.onnx"), with(Backend::automatic));
    cv::Mat frame = scene(SIZE, 100), labels;
    Masks small;
    int times = 0;
    engine.infer(frame, small, [&] {
        frame.setTo(cv::Scalar::all(0));
        ++times;
    });
    engine.enlarge(small, SIZE, labels);
    CHECK(times == 1);
    CHECK(std::abs(horizon_in(labels) - 100) <= 3);
}

TEST_CASE("parts of larger matrices are written in place, and nothing beside them") {
    Engine engine = Engine::open(fixture("binary.onnx"), with(Backend::automatic));
    const ModelCard& card = engine.info().card;
    Masks plain, parts;
    engine.infer(scene(SIZE, 100), plain);
    const cv::Rect inside(10, 7, card.width, card.height);
    cv::Mat labels(card.height + 20, card.width + 20, CV_8UC1, cv::Scalar(9)), confidence = labels.clone();
    parts.labels = labels(inside);
    parts.confidence = confidence(inside);
    engine.infer(scene(SIZE, 100), parts);
    CHECK(cv::norm(labels(inside), plain.labels, cv::NORM_INF) == 0);
    CHECK(cv::norm(confidence(inside), plain.confidence, cv::NORM_INF) == 0);
    for (cv::Mat* const whole : {&labels, &confidence}) {
        (*whole)(inside).setTo(9);
        CHECK(cv::countNonZero(*whole != 9) == 0);
    }
}

TEST_CASE("several threads get each their own answer") {
    Engine engine = Engine::open(fixture("binary.onnx"), with(Backend::openvino, 2));
    std::vector<std::future<int>> horizons;
    for (int horizon = 40; horizon < 160; horizon += 20) {
        horizons.push_back(std::async(std::launch::async, [&engine, horizon] {
            int found = 0;
            for (int i = 0; i < 5; ++i) found = horizon_in(engine.run(scene(SIZE, horizon)).labels);
            return found;
        }));
    }
    for (std::size_t i = 0; i < horizons.size(); ++i) CHECK(std::abs(horizons[i].get() - (40 + 20 * int(i))) <= 3);
}

TEST_CASE("more classes are labels") {
    Engine engine = Engine::open(fixture("three.onnx"), with(Backend::automatic));
    cv::Mat flag(60, 90, CV_8UC3, cv::Scalar::all(0));
    flag.rowRange(0, 20).setTo(cv::Scalar(0, 0, 255));
    flag.rowRange(20, 40).setTo(cv::Scalar(0, 255, 0));
    const cv::Mat labels = engine.run(flag).labels;
    CHECK(labels.at<std::uint8_t>(10, 40) == 1);
    CHECK(labels.at<std::uint8_t>(30, 40) == 2);
    CHECK(labels.at<std::uint8_t>(50, 40) == 0);
    Options options;
    options.threshold = 0.5;
    CHECK(error_of([&] { Engine::open(fixture("three.onnx"), options); }).code() == 2);
}

TEST_CASE("the threshold can be the user's") {
    Options options = with(Backend::automatic);
    options.threshold = 0;
    const Masks masks = Engine::open(fixture("binary.onnx"), options).run(scene(SIZE, 100));
    CHECK(cv::countNonZero(masks.labels) == SIZE.area());
    options.threshold = 2;
    CHECK(error_of([&] { Engine::open(fixture("binary.onnx"), options); }).code() == 2);
}

TEST_CASE("a compiled model is kept where a cache is named") {
    const TemporaryFolder folder;
    Options options = with(Backend::openvino);
    options.cache = folder / "cache";
    Engine::open(fixture("binary.onnx"), options);
    CHECK_FALSE(fs::is_empty(folder / "cache"));
    CHECK(horizon_in(Engine::open(fixture("binary.onnx"), options).run(scene(SIZE, 100)).labels) > 90);
}

TEST_CASE("frames that are none are refused") {
    Engine engine = Engine::open(fixture("binary.onnx"), with(Backend::automatic));
    CHECK(error_of([&] { engine.run(cv::Mat()); }).code() == 2);
    CHECK(error_of([&] { engine.run(cv::Mat(4, 4, CV_8UC1)); }).code() == 2);
    CHECK(error_of([&] { engine.run(cv::Mat(4, 4, CV_16UC3)); }).code() == 2);
}

TEST_CASE("a compiled model that was damaged in the cache is made anew, a whole one stays") {
    const TemporaryFolder cache;
    Options options = with(Backend::openvino);
    options.cache = cache.path();
    const auto blob = [&] {
        for (const auto& entry : fs::directory_iterator(cache.path())) {
            if (entry.path().extension() == ".blob") return entry.path();
        }
        return fs::path();
    };
    Engine::open(fixture("binary.onnx"), options);
    REQUIRE_FALSE(blob().empty());
    const auto made = fs::last_write_time(blob());
    Engine::open(fixture("binary.onnx"), options);
    CHECK(fs::last_write_time(blob()) == made);
    for (std::size_t tenth = 1; tenth < 10; ++tenth) {  // at some of them OpenVINO itself finds out
        CAPTURE(tenth);
        std::string damaged = read(blob());
        damaged[damaged.size() * tenth / 10] ^= 0x55;
        write(blob(), damaged);
        Engine::open(fixture("binary.onnx"), options);
        CHECK(read(blob()) != damaged);
    }
}

TEST_CASE("model files that are none, and what cannot be had, exit with 3") {
    for (const Backend backend : backends()) {
        if (backend == Backend::tensorrt) continue;
        for (const char* name : {"foreign.onnx", "wrong_ports.onnx", "corrupt.onnx", "none.onnx"}) {
            CAPTURE(name);
            const Error error = error_of([&] { Engine::open(fixture(name), with(backend)); });
            CHECK(error.code() == 3);
            CHECK(contains(error.what(), name));
            CHECK_FALSE(error.fix().empty());
        }
    }
    CHECK(contains(error_of([&] { Engine::open(fixture("wrong_ports.onnx")); }).what(), "not a skyseg graph"));
    Options options;
    options.precision = Precision::int8;
    CHECK(contains(error_of([&] { Engine::open(fixture("binary.onnx"), options); }).what(), "its graph is fp32"));
    options = with(Backend::onnxruntime);
    options.precision = Precision::bf16;
    CHECK(error_of([&] { Engine::open(fixture("binary.onnx"), options); }).code() == 3);
    options = {};
    options.requests = 0;
    CHECK(error_of([&] { Engine::open(fixture("binary.onnx"), options); }).code() == 2);
    CHECK(contains(error_of([] { backend_from("abacus"); }).fix(), "openvino"));
}

TEST_CASE("an error says what, why and how to put it right") {
    CHECK(Error("a", "b", "c").message() == "error: a\n  why: b\n  fix: c");
    CHECK(Error("a").message() == "error: a");
}
