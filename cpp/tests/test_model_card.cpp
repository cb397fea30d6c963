#include <nlohmann/json.hpp>

#include "../src/onnx_metadata.hpp"
#include "support.hpp"

using namespace skyseg;
using namespace nlohmann::literals;

namespace {

nlohmann::json card_json() {
    return {{"format", 1},
            {"name", "tiny"},
            {"classes", {{{"name", "background"}, {"colour", {0, 0, 0}}}, {{"name", "sky"}, {"colour", {1, 114, 255}}}}},
            {"height", 64},
            {"width", 96},
            {"threshold", 0.5},
            {"resize", "stretch-linear"},
            {"precision", "fp32"},
            {"metrics", {{"iou", 0.9}}}};
}

std::string varint(std::uint64_t value) {
    std::string text;
    for (; value > 127; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
}

std::string field(unsigned number, const std::string& content) {
    return varint(number << 3 | 2) + varint(content.size()) + content;
}

/// A ModelProto: ir_version, a graph and one entry of metadata.
std::string model(const std::string& key, const std::string& value) {
    return varint(1 << 3) + varint(10) + field(7, "graph") + field(14, field(1, key) + field(2, value));
}

}  // namespace

TEST_CASE("a card is read with all a runtime needs") {
    const ModelCard card = ModelCard::parse(card_json().dump(), "x.onnx");
    CHECK(card.name == "tiny");
    CHECK(card.classes[1].name == "sky");
    CHECK(card.classes[1].colour == std::array<std::uint8_t, 3>{1, 114, 255});
    CHECK(card.height == 64);
    CHECK(card.width == 96);
    CHECK(card.threshold == 0.5);
    CHECK(card.binary());
    CHECK(card.metrics.at("iou") == 0.9);
}

TEST_CASE("a damaged card is refused by the file's name") {
    std::vector<nlohmann::json> damaged{{}, 5, nlohmann::json::array()};
    for (const auto& [key, value] : std::vector<std::pair<std::string, nlohmann::json>>{
             {"height", 0}, {"height", "tall"}, {"resize", "crop"}, {"classes", nlohmann::json::array()},
             {"threshold", nullptr}, {"threshold", "half"}, {"threshold", 1.5}, {"threshold", -0.1}, {"metrics", 3},
             {"precision", "fp8"}, {"precision", "auto"}, {"precision", "bf16"}}) {
        auto fields = card_json();
        fields[key] = value;
        damaged.push_back(fields);
    }
    for (const auto& colour : std::vector<nlohmann::json>{nlohmann::json("blue"), "[0, 0, 256]"_json, "[0, -1, 0]"_json, "[0, 0]"_json,
                                        "[0, 0, 0, 0]"_json, "[0, 0, 0.5]"_json}) {
        auto fields = card_json();
        fields["classes"][1]["colour"] = colour;
        damaged.push_back(fields);
    }
    for (const auto& fields : damaged) {
        const Error error = error_of([&] { ModelCard::parse(fields.dump(), "x.onnx"); });
        CHECK_MESSAGE(contains(error.what(), "x.onnx: its skyseg model card is damaged"), fields.dump());
        CHECK(error.code() == 3);
    }
    auto newer = card_json();
    newer["format"] = 2;
    CHECK(contains(error_of([&] { ModelCard::parse(newer.dump(), "x"); }).what(), "card format 2, this version reads 1"));
}

TEST_CASE("metadata is found in an ONNX file, whatever else is in it") {
    const TemporaryFolder folder;
    write(folder / "m.onnx", model("skyseg", card_json().dump()) + field(14, field(1, "other") + field(2, "v")));
    CHECK(read_onnx_metadata(folder / "m.onnx").at("other") == "v");
    CHECK(ModelCard::read(folder / "m.onnx").width == 96);
}

TEST_CASE("what is no model file of ours is refused") {
    const TemporaryFolder folder;
    const std::string whole = model("skyseg", card_json().dump());
    const auto message = [&](const std::string& content) {
        write(folder / "m.onnx", content);
        return std::string(error_of([&] { ModelCard::read(folder / "m.onnx"); }).what());
    };
    CHECK(contains(message(""), "not a readable ONNX file"));
    CHECK(contains(message("not a model\n"), "not a readable ONNX file"));
    CHECK(contains(message(model("else", "x")), "no 'skyseg' metadata inside"));
    CHECK(contains(error_of([&] { ModelCard::read(folder / "none"); }).what(), "no such model file"));
    CHECK(error_of([&] { ModelCard::read(folder.path()); }).why() == "it is a folder");
    // Wherever it is cut, there is an error and no crash.
    for (std::size_t length = 1; length < whole.size(); ++length) {
        CHECK(contains(message(whole.substr(0, length)), "m.onnx: "));
    }
    // A length of 2^63 neither allocates nor seeks beyond the end.
    CHECK(contains(message(varint(14 << 3 | 2) + varint(std::uint64_t{1} << 63)), "not a readable ONNX file"));
}
