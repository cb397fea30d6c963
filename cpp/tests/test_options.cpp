#include <vector>

#include "../player/options.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

PlayerOptions parsed(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "skyseg_play");
    return parse(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("options are read, with a space or an equals sign") {
    const auto options = parsed({"--video", "a.mp4", "--view", "cut-out", "--background=#102030",
                                 "--threads", "3", "--backend", "openvino", "--precision", "int8", "--quiet"});
    CHECK(options.video == "a.mp4");
    CHECK(parsed({"--video", "a.mp4", "--opacity=0.25"}).look.opacity == 0.25);
    CHECK(parsed({"--video", "a.mp4", "--colour", "00ff20"}).look.colour == Colour{0, 255, 32});
    CHECK(options.look.view == View::cut_out);
    CHECK(options.look.background == Colour{16, 32, 48});
    CHECK(options.model.threads == 3);
    CHECK(options.model.backend == Backend::openvino);
    CHECK(options.model.precision == Precision::int8);
    CHECK(options.quiet);
}

TEST_CASE("wrong options are refused by name") {
    const std::vector<std::vector<const char*>> wrong{
        {}, {"--video", "a", "--images", "b"}, {"--video"}, {"--video", ""}, {"--vid", "a"}, {"extra"},
        {"--video", "a", "--opacity", "1.5"}, {"--video", "a", "--opacity", "nan"}, {"--video", "a", "--threads", "0"},
        {"--video", "a", "--max-frames", "x"}, {"--video", "a", "--view", "upside-down"},
        {"--video", "a", "--colour", "blue"}, {"--video", "a", "--backend", "abacus"}, {"--video", "a", "--quiet=1"},
        {"--video", "--show"}};
    for (const auto& arguments : wrong) CHECK_THROWS_AS(parsed(arguments), UsageError);
}

TEST_CASE("options that a view has no use for are refused") {
    const auto refusal = [](std::vector<const char*> arguments) {
        arguments.insert(arguments.begin(), {"--video", "a"});
        return std::string(error_of([&] { parsed(arguments); }).message());
    };
    CHECK(contains(refusal({"--view", "mask", "--opacity", ".3"}), "--opacity: --view mask has no use for it"));
    CHECK(contains(refusal({"--background", "#000000", "--view", "outline"}), "or choose --view cut-out"));
}

TEST_CASE("help lists every option and exit code") {
    CHECK(parsed({"--help"}).help);
    for (const char* part : {"--video FILE", "--stats-json FILE", "\n  0 ", "\n  2 ", "\n  3 ", "\n  130 "}) {
        CHECK_MESSAGE(contains(help(), part), part);
    }
}
