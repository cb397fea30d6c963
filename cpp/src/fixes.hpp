// What to do about the errors that several files raise.
#pragma once

#include <skyseg/skyseg.hpp>

namespace skyseg {

inline constexpr const char* EXPORT_FIX =
    "use a model file that this project exported (dvc repro export-onnx writes models/onnx/fp32.onnx)";
inline constexpr const char* MEMORY_FIX = "close what else uses the device's memory, or take fewer requests";

}  // namespace skyseg
