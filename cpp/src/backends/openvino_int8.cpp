#include "openvino_int8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <openvino/opsets/opset13.hpp>

namespace skyseg {
namespace {

namespace ops = ov::opset13;
using NodePtr = std::shared_ptr<ov::Node>;
using Value = ov::Output<ov::Node>;

std::string_view kind_of(const NodePtr& node) { return node->get_type_name(); }

[[noreturn]] void unexpected(const NodePtr& node, const std::string& what) {
    throw std::runtime_error(node->get_friendly_name() + ": " + what + " was expected here");
}

const ops::Constant& constant_at(const Value& value) {
    const auto* const constant = ov::as_type<const ops::Constant>(value.get_node());
    if (constant == nullptr) unexpected(value.get_node_shared_ptr(), "a Constant");
    return *constant;
}

double number_at(const Value& value) {
    const auto numbers = constant_at(value).cast_vector<double>();
    if (numbers.size() != 1) unexpected(value.get_node_shared_ptr(), "one number");
    return numbers[0];
}

NodePtr number(double value) { return ops::Constant::create(ov::element::f32, {}, {static_cast<float>(value)}); }

/// The last of the nodes that follow one another so; each is the only user of the one before.
NodePtr after(NodePtr node, std::initializer_list<const char*> kinds) {
    for (const char* const kind : kinds) {
        const auto users = node->output(0).get_target_inputs();
        if (users.size() != 1) unexpected(node, "one user");
        node = users.begin()->get_node()->shared_from_this();
        if (kind_of(node) != kind) unexpected(node, kind);
    }
    return node;
}

// What gives no negative value where its first input, or all inputs, have none.
constexpr std::array OF_FIRST = {"AvgPool", "Convert", "FakeQuantize", "Interpolate", "MaxPool", "Reshape"};
constexpr std::array OF_ALL = {"Add", "Concat", "Multiply"};

template <std::size_t size>
bool among(const std::array<const char*, size>& kinds, std::string_view kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// Whether a ReLU or a sigmoid is all that a node's values come from; false also where that is not seen.
bool not_negative(const NodePtr& node) {
    const auto kind = kind_of(node);
    const auto input = [&](std::size_t port) { return node->get_input_node_shared_ptr(port); };
    if (kind == "Constant") {
        const auto values = constant_at(node->output(0)).cast_vector<float>();
        return std::all_of(values.begin(), values.end(), [](float value) { return value >= 0; });
    }
    // A zero point is subtracted from what was quantised, which gives what it was before.
    const bool restores = kind == "Subtract" && kind_of(input(0)) == "Convert";
    if (restores || among(OF_FIRST, kind)) return not_negative(input(0));
    if (among(OF_ALL, kind)) {
        const auto values = node->input_values();
        return std::all_of(values.begin(), values.end(),
                           [](const Value& value) { return not_negative(value.get_node_shared_ptr()); });
    }
    return kind == "Relu" || kind == "Sigmoid";
}

/// Its users: Convert to i8, Convert to f32, Subtract the zero point 0, Multiply by the scale. What a ReLU keeps from
/// being negative gets the range 0 to 255 at half the scale, which is finer; the rest its scale and the zero point 128.
void make_unsigned(const NodePtr& quantise) {
    const auto values = quantise->input_value(0);
    const bool finer = not_negative(values.get_node_shared_ptr());
    const double signed_step = (number_at(quantise->input_value(2)) - number_at(quantise->input_value(1))) / 255;
    const double step = finer ? signed_step / 2 : signed_step, zero = finer ? 0 : 128;
    const double low = finer ? 0 : -128 * step;
    const auto whole = std::make_shared<ops::FakeQuantize>(values, number(low), number(low + 255 * step), number(0),
                                                           number(255), 256);
    const auto stored = std::make_shared<ops::Convert>(whole, ov::element::u8);
    const auto floats = std::make_shared<ops::Convert>(stored, ov::element::f32);
    const auto centred = std::make_shared<ops::Subtract>(floats, number(zero));
    const auto restored = std::make_shared<ops::Multiply>(centred, number(step));
    after(quantise, {"Convert", "Convert", "Subtract", "Multiply"})->output(0).replace(restored);
}

/// Zero points are int8 constants, too, of one dimension at most.
bool is_weights(const NodePtr& node) {
    return kind_of(node) == "Constant" && node->get_element_type() == ov::element::i8 && node->get_shape().size() > 1;
}

/// Its users: Convert to f32, Subtract the zero points 0, Multiply by the channels' scales.
void halve(const NodePtr& weights) {
    const auto multiply = after(weights, {"Convert", "Subtract", "Multiply"});
    const auto place = multiply->input_value(1);
    const bool reshaped = kind_of(place.get_node_shared_ptr()) == "Reshape";
    auto scales = constant_at(reshaped ? place.get_node()->input_value(0) : place).cast_vector<float>();
    for (float& scale : scales) scale *= 2;
    auto whole = constant_at(weights->output(0)).cast_vector<float>();
    // From -64 to 63: two of them times 255 are 32,640 at most, and 16 bits hold 32,767.
    for (float& weight : whole) weight = std::clamp(std::rint(weight / 2), -64.0F, 63.0F);
    const auto halved = ops::Constant::create(ov::element::i8, weights->get_shape(), whole);
    const auto doubled = ops::Constant::create(ov::element::f32, place.get_shape(), scales);
    const auto floats = std::make_shared<ops::Convert>(halved, ov::element::f32);
    multiply->output(0).replace(std::make_shared<ops::Multiply>(floats, doubled));
}

}  // namespace

void fit_into_16_bits(ov::Model& model) {
    for (const auto& node : model.get_ordered_ops()) {
        if (kind_of(node) == "FakeQuantize") {
            make_unsigned(node);
        } else if (is_weights(node)) {
            halve(node);
        }
    }
}

}  // namespace skyseg
