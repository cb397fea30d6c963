// The part of CUDA's runtime that the TensorRT backend needs, as owners of what they make.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace skyseg::cuda {

inline void check(cudaError_t error) {
    if (error == cudaSuccess) return;
    // "out of memory" is in CUDA's own words for cudaErrorMemoryAllocation.
    throw std::runtime_error(std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error));
}

struct FreeDevice {
    void operator()(std::uint8_t* memory) const { cudaFree(memory); }
};
struct FreePinned {
    void operator()(std::uint8_t* memory) const { cudaFreeHost(memory); }
};
struct DestroyStream {
    void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
struct DestroyGraph {
    void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
struct DestroyExecutable {
    void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};
using Stream = std::unique_ptr<CUstream_st, DestroyStream>;
using Graph = std::unique_ptr<CUgraph_st, DestroyGraph>;
using ExecutableGraph = std::unique_ptr<CUgraphExec_st, DestroyExecutable>;

/// A stream of its own: work on it waits for no other.
inline Stream make_stream() {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return Stream(stream);
}

/// The same bytes twice: page-locked on the host, so that copies need no staging, and on the device.
class Buffer {
public:
    explicit Buffer(std::size_t bytes) : bytes_(bytes) {
        void* memory = nullptr;
        check(cudaMalloc(&memory, bytes));
        device_.reset(static_cast<std::uint8_t*>(memory));
        check(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault));
        host_.reset(static_cast<std::uint8_t*>(memory));
    }

    std::uint8_t* host() const { return host_.get(); }
    std::uint8_t* device() const { return device_.get(); }
    std::size_t bytes() const { return bytes_; }

    void upload(cudaStream_t stream) const {
        check(cudaMemcpyAsync(device_.get(), host_.get(), bytes_, cudaMemcpyHostToDevice, stream));
    }
    void download(cudaStream_t stream) const {
        check(cudaMemcpyAsync(host_.get(), device_.get(), bytes_, cudaMemcpyDeviceToHost, stream));
    }

private:
    std::size_t bytes_;
    std::unique_ptr<std::uint8_t, FreeDevice> device_;
    std::unique_ptr<std::uint8_t, FreePinned> host_;
};

/// Records what `enqueue` puts on the stream, without running it. Throws if something in it cannot be captured.
template <typename Enqueue>
ExecutableGraph capture(cudaStream_t stream, Enqueue enqueue) {
    // Thread-local: another thread may allocate meanwhile without spoiling the capture.
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    std::exception_ptr failure;
    try {
        enqueue();
    } catch (...) {
        failure = std::current_exception();  // the capture must be ended first
    }
    cudaGraph_t recorded = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream, &recorded);
    const Graph graph(recorded);
    if (failure) std::rethrow_exception(failure);
    check(ended);
    cudaGraphExec_t executable = nullptr;
    check(cudaGraphInstantiateWithFlags(&executable, graph.get(), 0));
    return ExecutableGraph(executable);
}

}  // namespace skyseg::cuda
