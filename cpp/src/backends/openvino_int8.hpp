// int8 graphs for x86 processors without VNNI: src/runtime/engines/openvino_int8.py, which says why.
#pragma once

#include <openvino/core/model.hpp>

namespace skyseg {

/// Makes the activations of an int8 graph that this project exported unsigned and its weights of 7 bits, in place.
/// Throws std::runtime_error where a node is not followed by what the export puts there.
void fit_into_16_bits(ov::Model& model);

}  // namespace skyseg
