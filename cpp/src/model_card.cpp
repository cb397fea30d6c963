#include <nlohmann/json.hpp>

#include "fixes.hpp"
#include "onnx_metadata.hpp"

namespace skyseg {
namespace {

constexpr const char* KEY = "skyseg";
constexpr int FORMAT = 1;
constexpr const char* STRETCH_LINEAR = "stretch-linear";

/// Throws std::invalid_argument for other than three numbers of 0..255, which a narrowing conversion would let pass.
std::array<std::uint8_t, 3> colour_from(const nlohmann::json& channels) {
    std::array<std::uint8_t, 3> colour{};
    if (!channels.is_array() || channels.size() != colour.size()) throw std::invalid_argument("a colour that is not three numbers");
    for (std::size_t i = 0; i < colour.size(); ++i) {
        if (!channels[i].is_number_integer() || channels[i] < 0 || channels[i] > 255) {
            throw std::invalid_argument("a colour out of 0..255");
        }
        channels[i].get_to(colour[i]);
    }
    return colour;
}

ModelCard card_from(const nlohmann::json& fields) {
    ModelCard card;
    fields.at("name").get_to(card.name);
    for (const auto& info : fields.at("classes")) {
        card.classes.push_back({info.at("name"), colour_from(info.at("colour"))});
    }
    fields.at("height").get_to(card.height);
    fields.at("width").get_to(card.width);
    fields.at("precision").get_to(card.precision);
    if (const auto& threshold = fields.at("threshold"); !threshold.is_null()) card.threshold = threshold;
    for (const auto& [name, value] : fields.at("metrics").get<nlohmann::json::object_t>()) {
        if (value.is_number()) card.metrics[name] = value;
    }
    if (fields.at("resize") != STRETCH_LINEAR || card.height < 1 || card.width < 1 || card.classes.size() < 2) {
        throw std::invalid_argument("unknown resize rule, no size, or fewer than two classes");
    }
    if (card.binary() && !(card.threshold && *card.threshold >= 0 && *card.threshold <= 1)) {
        throw std::invalid_argument("a threshold that is no number in 0..1");
    }
    if (const auto precision = precision_from(card.precision);
        precision == Precision::automatic || precision == Precision::bf16) {
        throw std::invalid_argument("no graph is of precision '" + card.precision + "'");
    }
    return card;
}

}  // namespace

ModelCard ModelCard::parse(const std::string& json, const std::string& origin) {
    try {
        const auto fields = nlohmann::json::parse(json);
        if (const int found = fields.at("format"); found != FORMAT) {
            throw EngineError(origin + ": model card format " + std::to_string(found) + ", this version reads " +
                                  std::to_string(FORMAT),
                              "", "export it again: dvc repro export-onnx");
        }
        return card_from(fields);
    } catch (const EngineError&) {
        throw;
    } catch (const std::exception& error) {  // nlohmann's, and ours above
        throw EngineError(origin + ": its skyseg model card is damaged", error.what(), EXPORT_FIX);
    }
}

ModelCard ModelCard::read(const std::filesystem::path& onnx) {
    const auto metadata = read_onnx_metadata(onnx);
    const auto found = metadata.find(KEY);
    if (found == metadata.end()) {
        throw EngineError(onnx.string() + ": no 'skyseg' metadata inside", "it was not exported by this project",
                          EXPORT_FIX);
    }
    return parse(found->second, onnx.string());
}

}  // namespace skyseg
