// TensorRT 10.12 and later, and 11: a stream, pinned buffers and one CUDA graph per request.
// Compiled against NVIDIA's headers; not yet run on a GPU (docs/deploy.md says what has been).
#include <NvInfer.h>

#include <cstring>
#include <iostream>
#include <stdexcept>

#include "../pool.hpp"
#include "backend.hpp"
#include "cuda.hpp"
#include "tensorrt_plan.hpp"

#if NV_TENSORRT_MAJOR < 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR < 12)
#error "TensorRT 10.12 or later is needed"
#endif

namespace skyseg {
namespace {

using namespace nvinfer1;

/// Of the first GPU: what a plan is bound to.
std::string gpu_name() {
    cudaDeviceProp properties{};
    cuda::check(cudaGetDeviceProperties(&properties, 0));
    return std::string(properties.name) + " sm" + std::to_string(properties.major) + std::to_string(properties.minor);
}

/// What one inference in flight owns.
class Flight {
public:
    Flight(ICudaEngine& engine, const ModelCard& card)
        : stream_(cuda::make_stream()),
          frame_(pixels(card) * 3),
          labels_(pixels(card)),
          confidence_(pixels(card)),
          context_(engine.createExecutionContext()) {
        if (!context_) throw std::runtime_error("TensorRT cannot make an execution context: out of memory?");
        const bool bound = context_->setOptimizationProfileAsync(0, stream_.get()) &&
                           context_->setInputShape(INPUT, Dims4(1, card.height, card.width, 3)) &&
                           context_->setTensorAddress(INPUT, frame_.device()) &&
                           context_->setTensorAddress(LABELS, labels_.device()) &&
                           context_->setTensorAddress(CONFIDENCE, confidence_.device());
        if (!bound) throw std::runtime_error("TensorRT refuses the buffers of the contract's names and sizes");
        // Once outside: TensorRT finishes its set-up for a shape in the first call, which cannot be captured.
        enqueue();
        cuda::check(cudaStreamSynchronize(stream_.get()));
        try {
            graph_ = cuda::capture(stream_.get(), [this] { enqueue(); });
        } catch (const std::exception& error) {
            std::cerr << "tensorrt: runs without a CUDA graph, which is slower: " << error.what() << std::endl;
        }
    }

    void infer(const std::uint8_t* frame, std::uint8_t* labels, std::uint8_t* confidence) {
        std::memcpy(frame_.host(), frame, frame_.bytes());
        if (graph_) {
            cuda::check(cudaGraphLaunch(graph_.get(), stream_.get()));
        } else {
            enqueue();
        }
        cuda::check(cudaStreamSynchronize(stream_.get()));
        std::memcpy(labels, labels_.host(), labels_.bytes());
        std::memcpy(confidence, confidence_.host(), confidence_.bytes());
    }

private:
    static std::size_t pixels(const ModelCard& card) {
        return static_cast<std::size_t>(card.height) * static_cast<std::size_t>(card.width);
    }

    void enqueue() {
        frame_.upload(stream_.get());
        if (!context_->enqueueV3(stream_.get())) throw std::runtime_error("TensorRT could not enqueue the inference");
        labels_.download(stream_.get());
        confidence_.download(stream_.get());
    }

    cuda::Stream stream_;
    cuda::Buffer frame_, labels_, confidence_;
    std::unique_ptr<IExecutionContext> context_;
    cuda::ExecutableGraph graph_;
};

class TensorRtEngine : public BackendEngine {
public:
    explicit TensorRtEngine(const Request& request) : gpu_(gpu_name()) {
        runtime_.reset(createInferRuntime(logger_));
        if (!runtime_) throw std::runtime_error("TensorRT cannot start: " + logger_.last_error());
        const auto plan = plan_for(request, gpu_, logger_);
        load(plan);
        if (!engine_ && !plan.kept_in.empty()) {
            std::cerr << "tensorrt: " << plan.kept_in.string() << ": damaged or of another build; building it anew" << std::endl;
            std::filesystem::remove(plan.kept_in);
            load(plan_for(request, gpu_, logger_));
        }
        if (!engine_) throw std::runtime_error("TensorRT cannot load the plan: " + logger_.last_error());
        if (const auto breach = contract_breach(request.card, inputs(), outputs()); !breach.empty()) {
            throw std::runtime_error(breach);  // before buffers are bound to names that are not there
        }
        for (int i = 0; i < request.requests; ++i) free_.add(std::make_unique<Flight>(*engine_, request.card));
    }

    Ports inputs() const override { return ports(TensorIOMode::kINPUT); }
    Ports outputs() const override { return ports(TensorIOMode::kOUTPUT); }
    std::string device() const override { return gpu_; }

    void infer(const std::uint8_t* frame, std::uint8_t* labels, std::uint8_t* confidence) override {
        auto flight = free_.take();
        (*flight)->infer(frame, labels, confidence);
    }

private:
    /// Leaves engine_ empty if TensorRT refuses the plan.
    void load(const Plan& plan) {
        engine_.reset(runtime_->deserializeCudaEngine(plan.bytes.data(), plan.bytes.size()));
    }

    Ports ports(TensorIOMode mode) const {
        Ports found;
        for (std::int32_t i = 0; i < engine_->getNbIOTensors(); ++i) {
            const char* const name = engine_->getIOTensorName(i);
            if (engine_->getTensorIOMode(name) != mode) continue;
            const Dims shape = engine_->getTensorShape(name);
            found[name].assign(shape.d, shape.d + shape.nbDims);
        }
        return found;
    }

    std::string gpu_;
    TensorRtLogger logger_;  // outlives what logs to it
    std::unique_ptr<IRuntime> runtime_;
    std::unique_ptr<ICudaEngine> engine_;
    Pool<std::unique_ptr<Flight>> free_;
};

}  // namespace

std::unique_ptr<BackendEngine> open_tensorrt(const Request& request) {
    return std::make_unique<TensorRtEngine>(request);
}

bool tensorrt_usable() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

}  // namespace skyseg
