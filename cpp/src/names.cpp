#include "names.hpp"

#include <array>
#include <utility>

namespace skyseg {
namespace {

constexpr std::array<std::pair<Backend, const char*>, 4> BACKENDS{{
    {Backend::automatic, "auto"},
    {Backend::openvino, "openvino"},
    {Backend::onnxruntime, "onnxruntime"},
    {Backend::tensorrt, "tensorrt"},
}};
constexpr std::array<std::pair<Precision, const char*>, 5> PRECISIONS{{
    {Precision::automatic, "auto"},
    {Precision::fp32, "fp32"},
    {Precision::bf16, "bf16"},
    {Precision::fp16, "fp16"},
    {Precision::int8, "int8"},
}};

template <typename Table, typename Value>
std::string name_in(const Table& table, Value value) {
    for (const auto& [known, name] : table) {
        if (known == value) return name;
    }
    return "?";
}

template <typename Table>
auto value_in(const Table& table, const std::string& kind, const std::string& name) {
    std::string choices;
    for (const auto& [value, known] : table) {
        if (name == known) return value;
        choices += (choices.empty() ? "" : ", ") + std::string(known);
    }
    throw Error("no " + kind + " '" + name + "'", "", "choose one of: " + choices);
}

}  // namespace

std::string to_string(Backend backend) { return name_in(BACKENDS, backend); }
std::string to_string(Precision precision) { return name_in(PRECISIONS, precision); }
Backend backend_from(const std::string& name) { return value_in(BACKENDS, "backend", name); }
Precision precision_from(const std::string& name) { return value_in(PRECISIONS, "precision", name); }

}  // namespace skyseg
