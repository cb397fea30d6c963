// skyseg: sky masks from an ONNX model file that `dvc repro export-onnx` wrote.
//
//     auto engine = skyseg::Engine::open("models/onnx/fp32.onnx");
//     skyseg::Masks masks = engine.run(cv::imread("photo.jpg"));
//     cv::Mat sky = masks.labels == 1;
//
// Everything about the model (classes, colours, input size, threshold) is read from inside the file.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace skyseg {

/// Something a user can act on: what is wrong, why, and how to put it right.
class Error : public std::runtime_error {
public:
    /// code: the exit code a program should end with; 2 for input and options, 3 for engines and model files.
    explicit Error(std::string what, std::string why = "", std::string fix = "", int code = 2);

    const std::string& why() const noexcept { return why_; }
    const std::string& fix() const noexcept { return fix_; }
    int code() const noexcept { return code_; }

    /// "error: what", then "  why: ..." and "  fix: ..." where there is something to say.
    std::string message() const;

private:
    std::string why_, fix_;
    int code_;
};

/// A model file or backend that cannot be used on this machine; code 3.
class EngineError : public Error {
public:
    explicit EngineError(std::string what, std::string why = "", std::string fix = "");
};

struct ClassInfo {
    std::string name;
    std::array<std::uint8_t, 3> colour;  ///< RGB
};

/// What the model file says of itself (`metadata_props["skyseg"]`; src/model_card.py writes it).
struct ModelCard {
    std::string name;
    std::vector<ClassInfo> classes;  ///< by class index; 0 is background
    int height = 0, width = 0;       ///< of the input, in pixels
    std::optional<double> threshold;  ///< probability 0..1 from which a pixel is class 1; absent with more classes
    std::string precision;            ///< of the graph: fp32, fp16 or int8
    std::map<std::string, double> metrics;

    /// Background against one class; confidence is then that class's probability x 255.
    bool binary() const { return classes.size() == 2; }

    /// Reads the card inside an ONNX file, without reading the weights.
    /// Throws EngineError: missing, not ONNX, without a card, or with a damaged one.
    static ModelCard read(const std::filesystem::path& onnx);

    /// Parses a card; `origin` names the file in errors. Throws EngineError.
    static ModelCard parse(const std::string& json, const std::string& origin);
};

/// The answer to a frame. Matrices that already have the right size and type are written in place,
/// parts of larger ones too.
struct Masks {
    cv::Mat labels;      ///< CV_8UC1, class index, 0 is background
    cv::Mat confidence;  ///< CV_8UC1, 0..255; binary: probability of class 1; else: of the winning class
};

enum class Backend { automatic, openvino, onnxruntime, tensorrt };
enum class Precision { automatic, fp32, bf16, fp16, int8 };

std::string to_string(Backend backend);
std::string to_string(Precision precision);
/// Throw Error, naming the choices. "auto" is the automatic one.
Backend backend_from(const std::string& name);
Precision precision_from(const std::string& name);

/// The backends this library was built with, the preferred one first.
std::vector<Backend> backends();

struct Options {
    Backend backend = Backend::automatic;        ///< TensorRT where there is an NVIDIA GPU, else OpenVINO, else ONNX Runtime
    Precision precision = Precision::automatic;  ///< the graph's; OpenVINO takes bf16 for fp32 where the processor has it and the card says that it keeps the labels
    int threads = 0;                             ///< for inference on a processor; 0 is every core this process may use
    int requests = 1;                            ///< calls that may run at a time; 1 gives the lowest latency
    std::optional<double> threshold;             ///< instead of the card's, for a binary model
    std::filesystem::path cache;                 ///< a folder for compiled models and timings; empty keeps none
};

struct EngineInfo {
    Backend backend;
    Precision precision;  ///< of the arithmetic
    std::string device;   ///< the processor or the GPU, for people
    ModelCard card;
    std::filesystem::path path;
};

/// A model ready to run. Every method may be called from several threads; at most `requests` calls run, others wait.
class Engine {
public:
    /// Throws EngineError: no such file, not ours, or a backend or precision that is not to be had here.
    static Engine open(const std::filesystem::path& onnx, const Options& options = {});

    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    const EngineInfo& info() const;
    int requests() const;

    /// Segments a frame of any size, CV_8UC3 BGR; the answer has its size.
    /// Throws Error for another type or an empty frame, EngineError if the backend fails.
    Masks run(const cv::Mat& frame_bgr);

    /// The two halves of `run`, for a pipeline. `infer` answers at the model's size, and calls `taken`, if there is one,
    /// as soon as it needs the frame no more, ...
    void infer(const cv::Mat& frame_bgr, Masks& small, const std::function<void()>& taken = {});
    /// ... and `enlarge` brings labels, and confidence if it is asked for, to the frame's.
    void enlarge(const Masks& small, cv::Size size, cv::Mat& labels, cv::Mat* confidence = nullptr) const;

private:
    struct State;
    explicit Engine(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace skyseg
