// The metadata of an ONNX file, read without protobuf and without reading the weights.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace skyseg {

/// `ModelProto.metadata_props` (field 14 of onnx.proto, a StringStringEntryProto each) by key.
/// Every other field is skipped over by its length; wire format: protobuf.dev/programming-guides/encoding.
/// Throws EngineError: no such file, or not a protobuf message that is whole.
std::map<std::string, std::string> read_onnx_metadata(const std::filesystem::path& path);

}  // namespace skyseg
