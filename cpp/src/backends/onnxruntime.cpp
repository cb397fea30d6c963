// ONNX Runtime on the processor: the portable fallback. Written against the C API alone: one header, and a binary
// interface that stays the same from version to version, so headers may be older than the library.
#include <array>
#include <stdexcept>

#include <onnxruntime_c_api.h>

#include "../hardware.hpp"
#include "backend.hpp"

namespace skyseg {
namespace {

const OrtApi& api() {
    static const OrtApi* const found = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (found == nullptr) {
        throw std::runtime_error(std::string("the library, version ") + OrtGetApiBase()->GetVersionString() +
                                 ", is older than its headers");
    }
    return *found;
}

/// Raises a failed call's message.
void check(OrtStatus* status) {
    if (status == nullptr) return;
    const std::string words = api().GetErrorMessage(status);
    api().ReleaseStatus(status);
    throw std::runtime_error(words);
}

/// unique_ptr for the API's handles.
template <typename T, void (*OrtApi::*release)(T*)>
struct Release {
    void operator()(T* handle) const { (api().*release)(handle); }
};
template <typename T, void (*OrtApi::*release)(T*)>
using Handle = std::unique_ptr<T, Release<T, release>>;

using Env = Handle<OrtEnv, &OrtApi::ReleaseEnv>;
using SessionOptions = Handle<OrtSessionOptions, &OrtApi::ReleaseSessionOptions>;
using Session = Handle<OrtSession, &OrtApi::ReleaseSession>;
using MemoryInfo = Handle<OrtMemoryInfo, &OrtApi::ReleaseMemoryInfo>;
using Value = Handle<OrtValue, &OrtApi::ReleaseValue>;
using TypeInfo = Handle<OrtTypeInfo, &OrtApi::ReleaseTypeInfo>;

/// Calls an API function whose last argument is the handle it makes.
template <typename H, typename Function, typename... Arguments>
H made(Function function, Arguments... arguments) {
    typename H::pointer handle = nullptr;
    check((api().*function)(arguments..., &handle));
    return H(handle);
}

SessionOptions session_options(const Request& request) {
    auto options = made<SessionOptions>(&OrtApi::CreateSessionOptions);
    check(api().SetIntraOpNumThreads(options.get(), request.threads));
    check(api().SetSessionGraphOptimizationLevel(options.get(), ORT_ENABLE_ALL));
    check(api().SetSessionLogSeverityLevel(options.get(), ORT_LOGGING_LEVEL_FATAL));  // a failure is raised anyway
    // Spinning workers answer sooner, but take the cores that decoding or a second request needs.
    check(api().AddSessionConfigEntry(options.get(), "session.intra_op.allow_spinning",
                                      request.requests == 1 ? "1" : "0"));
    // Without VNNI, fast int8 kernels overflow (src/hardware.py, EXACT_INT8).
    check(api().AddSessionConfigEntry(options.get(), "session.x64quantprecision", "1"));
    return options;
}

class OnnxRuntimeEngine : public BackendEngine {
public:
    explicit OnnxRuntimeEngine(const Request& request)
        : env_(made<Env>(&OrtApi::CreateEnv, ORT_LOGGING_LEVEL_FATAL, "skyseg")),
          session_(made<Session>(&OrtApi::CreateSession, env_.get(), request.path.c_str(),
                                 session_options(request).get())),
          memory_(made<MemoryInfo>(&OrtApi::CreateCpuMemoryInfo, OrtArenaAllocator, OrtMemTypeDefault)),
          height_(request.card.height),
          width_(request.card.width) {}

    Ports inputs() const override {
        return ports(&OrtApi::SessionGetInputCount, &OrtApi::SessionGetInputName, &OrtApi::SessionGetInputTypeInfo);
    }
    Ports outputs() const override {
        return ports(&OrtApi::SessionGetOutputCount, &OrtApi::SessionGetOutputName, &OrtApi::SessionGetOutputTypeInfo);
    }
    std::string device() const override { return processor_name(); }

    void infer(const std::uint8_t* frame, std::uint8_t* labels, std::uint8_t* confidence) override {
        const std::array<std::int64_t, 4> in{1, height_, width_, 3};
        const std::array<std::int64_t, 3> out{1, height_, width_};
        // Over our own memory, so that the session reads and writes it in place.
        const Value input = tensor(const_cast<std::uint8_t*>(frame), in);
        const Value first = tensor(labels, out), second = tensor(confidence, out);
        const std::array<const char*, 1> input_names{INPUT};
        const std::array<const char*, 2> output_names{LABELS, CONFIDENCE};
        const std::array<const OrtValue*, 1> inputs{input.get()};
        std::array<OrtValue*, 2> outputs{first.get(), second.get()};
        check(api().Run(session_.get(), nullptr, input_names.data(), inputs.data(), inputs.size(),
                        output_names.data(), outputs.size(), outputs.data()));
    }

private:
    template <std::size_t N>
    Value tensor(std::uint8_t* data, const std::array<std::int64_t, N>& shape) const {
        std::size_t bytes = 1;
        for (const auto size : shape) bytes *= static_cast<std::size_t>(size);
        return made<Value>(&OrtApi::CreateTensorWithDataAsOrtValue, memory_.get(), static_cast<void*>(data), bytes,
                           shape.data(), shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8);
    }

    template <typename Count, typename Name, typename Info>
    Ports ports(Count count_of, Name name_of, Info info_of) const {
        OrtAllocator* allocator = nullptr;  // the default one, which nobody frees
        check(api().GetAllocatorWithDefaultOptions(&allocator));
        std::size_t count = 0;
        check((api().*count_of)(session_.get(), &count));
        Ports found;
        for (std::size_t index = 0; index < count; ++index) {
            char* name = nullptr;
            check((api().*name_of)(session_.get(), index, allocator, &name));
            auto& shape = found[name];
            check(api().AllocatorFree(allocator, name));
            const auto info = made<TypeInfo>(info_of, session_.get(), index);
            const OrtTensorTypeAndShapeInfo* tensor_info = nullptr;  // owned by info
            check(api().CastTypeInfoToTensorInfo(info.get(), &tensor_info));
            if (tensor_info == nullptr) continue;  // a sequence or map
            std::size_t rank = 0;
            check(api().GetDimensionsCount(tensor_info, &rank));
            shape.resize(rank);
            check(api().GetDimensions(tensor_info, shape.data(), rank));
        }
        return found;
    }

    Env env_;
    Session session_;
    MemoryInfo memory_;
    std::int64_t height_, width_;
};

}  // namespace

std::unique_ptr<BackendEngine> open_onnxruntime(const Request& request) {
    return std::make_unique<OnnxRuntimeEngine>(request);
}

}  // namespace skyseg
