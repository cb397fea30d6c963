#include <algorithm>
#include <mutex>
#include <cctype>
#include <sstream>

#include "backends/backend.hpp"
#include "fixes.hpp"
#include "frames.hpp"
#include "hardware.hpp"
#include "names.hpp"
#include "pool.hpp"

namespace skyseg {
namespace {

std::vector<Precision> precisions(Backend backend) {
    if (backend == Backend::openvino) return {Precision::fp32, Precision::bf16, Precision::fp16, Precision::int8};
    return {Precision::fp32, Precision::fp16, Precision::int8};
}

// A model file whose card says that at least this share of bf16's labels are fp32's is opened in bf16.
constexpr double MIN_BF16_AGREEMENT = 0.995;
constexpr const char* BF16_AGREEMENT = "bf16_agreement";

/// Whether the export measured that bf16 keeps the labels.
bool bf16_keeps_labels(const ModelCard& card) {
    const auto agreement = card.metrics.find(BF16_AGREEMENT);
    return agreement != card.metrics.end() && agreement->second >= MIN_BF16_AGREEMENT;
}

Precision graph_precision(Precision precision) {
    return precision == Precision::bf16 ? Precision::fp32 : precision;
}

Backend choose_backend(Backend wanted) {
    const auto built = backends();
    if (wanted == Backend::automatic) {
#ifdef SKYSEG_TENSORRT
        if (tensorrt_usable()) return Backend::tensorrt;
#endif
        const auto first = std::find_if(built.begin(), built.end(), [](Backend b) { return b != Backend::tensorrt; });
        return first == built.end() ? built.front() : *first;
    }
    if (std::find(built.begin(), built.end(), wanted) == built.end()) {
        throw EngineError("the backend " + to_string(wanted) + " is not built in", "this program has: " + listed(built),
                          "docs/cpp.md says how to build it with others");
    }
    return wanted;
}

Precision choose_precision(Precision wanted, Backend backend, const ModelCard& card,
                           const std::filesystem::path& path) {
    const Precision graph = precision_from(card.precision);
    if (wanted == Precision::automatic) {
        const bool bf16 = backend == Backend::openvino && graph == Precision::fp32 && bf16_keeps_labels(card) && has_bf16();
        return bf16 ? Precision::bf16 : graph;
    }
    const auto offered = precisions(backend);
    if (std::find(offered.begin(), offered.end(), wanted) == offered.end()) {
        throw EngineError(to_string(backend) + " does not run in precision '" + to_string(wanted) + "' here", "",
                          "choose one of: " + listed(offered));
    }
    if (graph_precision(wanted) != graph) {
        throw EngineError(path.string() + ": its graph is " + card.precision + ", which does not run in " +
                              to_string(wanted),
                          "",
                          "open the " + to_string(graph_precision(wanted)) +
                              " model file: dvc repro export-onnx writes models/onnx");
    }
    return wanted;
}

std::unique_ptr<BackendEngine> open_backend(Backend backend, const Request& request) {
    switch (backend) {
#ifdef SKYSEG_OPENVINO
        case Backend::openvino: return open_openvino(request);
#endif
#ifdef SKYSEG_ONNXRUNTIME
        case Backend::onnxruntime: return open_onnxruntime(request);
#endif
#ifdef SKYSEG_TENSORRT
        case Backend::tensorrt: return open_tensorrt(request);
#endif
        default: throw EngineError("the backend " + to_string(backend) + " is not built in");
    }
}

/// The first telling line of a native library's message, which may run to pages.
std::string first_line(const std::string& text) {
    std::istringstream lines(text);
    std::string first;
    for (std::string line; std::getline(lines, line);) {
        const auto start = line.find_first_not_of(" \t\r");
        if (start == std::string::npos) continue;
        line = line.substr(start);
        if (first.empty()) first = line;
        if (line.rfind("Exception from", 0) != 0 && line.rfind("Check '", 0) != 0) return line;
    }
    return first;
}

std::string memory_fix(const std::string& text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const char* sign : {"out of memory", "failed to allocate", "bad allocation", "bad_alloc", "outofmemory"}) {
        if (lower.find(sign) != std::string::npos) return MEMORY_FIX;
    }
    return "";
}

/// Where a backend, which writes row behind row, puts its answer: `target` itself, unless its rows are part of wider ones.
cv::Mat without_gaps(cv::Mat& target, const ModelCard& card) {
    target.create(card.height, card.width, CV_8UC1);
    return target.isContinuous() ? target : cv::Mat(target.size(), target.type());
}

}  // namespace

std::vector<Backend> backends() {
    return {
#ifdef SKYSEG_TENSORRT
        Backend::tensorrt,
#endif
#ifdef SKYSEG_OPENVINO
        Backend::openvino,
#endif
#ifdef SKYSEG_ONNXRUNTIME
        Backend::onnxruntime,
#endif
    };
}

struct Engine::State {
    EngineInfo info;
    int requests;
    double threshold;
    std::unique_ptr<BackendEngine> backend;
    Pool<cv::Mat> inputs;  ///< one per request, which also bounds the calls that run at a time
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Engine Engine::open(const std::filesystem::path& onnx, const Options& options) {
    if (options.requests < 1 || options.threads < 0) throw Error("requests must be 1 or more, threads 0 or more");
    ModelCard card = ModelCard::read(onnx);
    if (options.threshold && !card.binary()) {
        throw Error("a threshold is of no use here", onnx.string() + " has more than two classes", "leave it out");
    }
    if (options.threshold && !(*options.threshold >= 0 && *options.threshold <= 1)) {
        throw Error("the threshold is not between 0 and 1");
    }
    const Backend backend = choose_backend(options.backend);
    const Precision precision = choose_precision(options.precision, backend, card, onnx);
    const Request request{onnx,          card, precision, options.threads ? options.threads : cores(),
                          options.requests, options.cache};
    auto state = std::make_unique<State>();
    try {
        state->backend = open_backend(backend, request);
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {  // the native libraries' exceptions have no other class in common
        const std::string fix = memory_fix(error.what());
        throw EngineError(onnx.string() + ": " + to_string(backend) + " cannot open it", first_line(error.what()),
                          fix.empty() ? EXPORT_FIX : fix);
    }
    if (const auto breach = contract_breach(card, state->backend->inputs(), state->backend->outputs());
        !breach.empty()) {
        throw EngineError(onnx.string() + ": not a skyseg graph", breach, EXPORT_FIX);
    }
    state->requests = options.requests;
    state->threshold = options.threshold.value_or(card.threshold.value_or(0));
    for (int i = 0; i < options.requests; ++i) state->inputs.add(cv::Mat(card.height, card.width, CV_8UC3));
    state->info = {backend, precision, state->backend->device(), std::move(card), onnx};
    return Engine(std::move(state));
}

const EngineInfo& Engine::info() const { return state_->info; }
int Engine::requests() const { return state_->requests; }

Masks Engine::run(const cv::Mat& frame_bgr) {
    Masks small, masks;
    infer(frame_bgr, small);
    enlarge(small, frame_bgr.size(), masks.labels, &masks.confidence);
    return masks;
}

void Engine::infer(const cv::Mat& frame_bgr, Masks& small, const std::function<void()>& taken) {
    if (frame_bgr.empty() || frame_bgr.dims != 2 || frame_bgr.type() != CV_8UC3) {
        throw Error(frame_bgr.empty() ? "the frame is empty" : "the frame is not 8-bit BGR with three channels", "",
                    "read it with cv::imread(path, cv::IMREAD_COLOR), which gives an empty one for a path it cannot read");
    }
    const ModelCard& card = state_->info.card;
    auto input = state_->inputs.take();
    prepare(frame_bgr, card, *input);
    if (taken) taken();
    const cv::Mat labels = without_gaps(small.labels, card), confidence = without_gaps(small.confidence, card);
    try {
        state_->backend->infer(input->data, labels.data, confidence.data);
    } catch (const std::exception& error) {
        throw EngineError(state_->info.path.string() + ": " + to_string(state_->info.backend) + " failed",
                          first_line(error.what()), memory_fix(error.what()));
    }
    if (labels.data != small.labels.data) labels.copyTo(small.labels);
    if (confidence.data != small.confidence.data) confidence.copyTo(small.confidence);
}

void Engine::enlarge(const Masks& small, cv::Size size, cv::Mat& labels, cv::Mat* confidence) const {
    upscale_labels(small, size, state_->info.card, state_->threshold, labels);
    if (confidence != nullptr) upscale_confidence(small, size, *confidence);
}

}  // namespace skyseg
