#include <nlohmann/json.hpp>

#include "fixes.hpp"
#include "onnx_metadata.hpp"

namespace skyseg {
namespace {

constexpr const char* KEY = "skyseg";
constexpr int FORMAT = 1;
constexpr const char* STRETCH_LINEAR = "stretch-linear";

ModelCard card_from(const nlohmann::json& fields) {
    ModelCard card;
    fields.at("name").get_to(card.name);
    for (const auto& info : fields.at("classes")) {
        card.classes.push_back({info.at("name"), info.at("colour")});
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
    if (card.binary() && !card.threshold) throw std::invalid_argument("two classes without a threshold");
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
