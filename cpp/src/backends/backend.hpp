// What every backend offers the Engine, which hides its resizing, checks and threads from it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <skyseg/skyseg.hpp>

namespace skyseg {

inline constexpr const char* INPUT = "frames";
inline constexpr const char* LABELS = "labels";
inline constexpr const char* CONFIDENCE = "confidence";

/// Shapes by name; -1 is a dynamic dimension.
using Ports = std::map<std::string, std::vector<std::int64_t>>;

/// What a backend is to open: options resolved, the precision one that it offers for the card's graph.
struct Request {
    std::filesystem::path path;
    ModelCard card;
    Precision precision;
    int threads, requests;
    std::filesystem::path cache;
};

class BackendEngine {
public:
    virtual ~BackendEngine() = default;

    virtual Ports inputs() const = 0;
    virtual Ports outputs() const = 0;

    /// One frame, uint8 [height, width, 3] RGB, continuous, to uint8 [height, width] each.
    /// Called from up to `requests` threads at a time. Throws whatever the library throws.
    virtual void infer(const std::uint8_t* frame, std::uint8_t* labels, std::uint8_t* confidence) = 0;

    virtual std::string device() const = 0;
};

// One pair of functions per backend; a backend that is not built in is not linked. `open_` throws std::exception.
std::unique_ptr<BackendEngine> open_openvino(const Request& request);
std::unique_ptr<BackendEngine> open_onnxruntime(const Request& request);
std::unique_ptr<BackendEngine> open_tensorrt(const Request& request);

/// Whether there is an NVIDIA GPU with a driver.
bool tensorrt_usable();

/// Why the graph is not the contract's, or "": the names and sizes that its card promises.
std::string contract_breach(const ModelCard& card, const Ports& inputs, const Ports& outputs);

}  // namespace skyseg
