#include <algorithm>

#include "backend.hpp"

namespace skyseg {
namespace {

std::string words(const Ports& ports) {
    std::string text;
    for (const auto& [name, shape] : ports) {
        text += (text.empty() ? "" : ", ") + name + " [";
        for (std::size_t i = 0; i < shape.size(); ++i) {
            text += (i ? ", " : "") + (shape[i] < 0 ? "N" : std::to_string(shape[i]));
        }
        text += "]";
    }
    return text;
}

/// The sizes after the batch's.
bool ends_with(const Ports& ports, const char* name, const std::vector<std::int64_t>& sizes) {
    const auto found = ports.find(name);
    return found != ports.end() && found->second.size() == sizes.size() + 1 &&
           std::equal(sizes.begin(), sizes.end(), found->second.begin() + 1);
}

}  // namespace

std::string contract_breach(const ModelCard& card, const Ports& inputs, const Ports& outputs) {
    const bool agrees = inputs.size() == 1 && outputs.size() == 2 &&
                        ends_with(inputs, INPUT, {card.height, card.width, 3}) &&
                        ends_with(outputs, LABELS, {card.height, card.width}) &&
                        ends_with(outputs, CONFIDENCE, {card.height, card.width});
    if (agrees) return "";
    const Ports asked_in{{INPUT, {-1, card.height, card.width, 3}}};
    const Ports asked_out{{LABELS, {-1, card.height, card.width}}, {CONFIDENCE, {-1, card.height, card.width}}};
    return "it takes " + words(inputs) + " and gives " + words(outputs) + "; its card asks for " + words(asked_in) +
           " to " + words(asked_out);
}

}  // namespace skyseg
