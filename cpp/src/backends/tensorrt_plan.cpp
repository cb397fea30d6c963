#include "tensorrt_plan.hpp"

#include <NvOnnxParser.h>

#include <cctype>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "../fingerprint.hpp"

namespace skyseg {
namespace {

namespace fs = std::filesystem;
using namespace nvinfer1;

constexpr std::size_t WORKSPACE_BYTES = std::size_t{1} << 30;  // scratch a tactic may ask for; the nets need far less

/// Complete or not at all; says so if the disk refuses, which costs the next start minutes and this one nothing.
void keep(const fs::path& path, const IHostMemory& memory) {
    const fs::path part = fs::path(path) += ".part";
    std::error_code failure;
    {
        std::ofstream stream(part, std::ios::binary);
        stream.write(static_cast<const char*>(memory.data()), static_cast<std::streamsize>(memory.size()));
        if (!stream.flush()) failure = std::make_error_code(std::errc::io_error);
    }
    if (!failure) fs::rename(part, path, failure);
    if (!failure) return;
    std::cerr << "tensorrt: " << path.string() << ": not kept for the next start: " << failure.message() << std::endl;
    fs::remove(part, failure);
}

std::string plain(std::string text) {
    for (char& c : text) {
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
    }
    return text;
}

[[noreturn]] void fail(const std::string& what, const TensorRtLogger& logger) {
    const std::string why = logger.last_error();
    throw std::runtime_error(why.empty() ? what : what + ": " + why);
}

std::unique_ptr<INetworkDefinition> make_network(IBuilder& builder) {
    // Strongly typed: every precision is the graph's own. TensorRT 11 has no other way, and ignores the flag.
#if NV_TENSORRT_MAJOR >= 11
    const NetworkDefinitionCreationFlags flags = 0;
#else
    const NetworkDefinitionCreationFlags flags =
        1U << static_cast<std::uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#endif
    return std::unique_ptr<INetworkDefinition>(builder.createNetworkV2(flags));
}

std::unique_ptr<IHostMemory> build(const Request& request, const fs::path& timings, TensorRtLogger& logger) {
    const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
    if (!builder) fail("TensorRT cannot start its builder", logger);
    const auto network = make_network(*builder);
    const std::unique_ptr<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, logger));
    if (!parser || !parser->parseFromFile(request.path.c_str(), static_cast<int>(ILogger::Severity::kERROR))) {
        fail(parser && parser->getNbErrors() > 0 ? parser->getError(0)->desc() : "TensorRT cannot read the graph",
             logger);
    }
    const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
    config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, WORKSPACE_BYTES);
    config->clearFlag(BuilderFlag::kTF32);  // its 10 bits of mantissa would make "fp32" flip labels
    auto* const profile = builder->createOptimizationProfile();  // the builder's own
    const Dims4 shape(1, request.card.height, request.card.width, 3);
    for (const auto which : {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
        profile->setDimensions(INPUT, which, shape);
    }
    config->addOptimizationProfile(profile);
    const auto known = timings.empty() ? std::vector<char>() : content_of(timings);
    const std::unique_ptr<ITimingCache> cache(config->createTimingCache(known.data(), known.size()));
    if (cache) config->setTimingCache(*cache, false);
    std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    if (!plan) fail("TensorRT cannot build the graph", logger);
    if (cache && !timings.empty()) {
        const std::unique_ptr<IHostMemory> measured(cache->serialize());
        if (measured) keep(timings, *measured);
    }
    return plan;
}

}  // namespace

void TensorRtLogger::log(Severity severity, const char* message) noexcept {
    if (severity > Severity::kERROR) return;
    try {
        const std::lock_guard lock(mutex_);
        last_error_ = message;
    } catch (...) {  // out of memory; the message is lost, and whoever called TensorRT still hears that it failed
    }
}

std::string TensorRtLogger::last_error() const {
    const std::lock_guard lock(mutex_);
    return last_error_;
}

Plan plan_for(const Request& request, const std::string& gpu, TensorRtLogger& logger) {
    fs::path kept, timings;
    if (!request.cache.empty()) {
        fs::create_directories(request.cache);
        const std::string version = std::to_string(getInferLibVersion());
        kept = request.cache / (request.path.stem().string() + "-" + fingerprint(content_of(request.path)) + "-" +
                                plain(gpu) + "-trt" + version + ".plan");
        timings = request.cache / ("tensorrt-" + plain(gpu) + "-" + version + ".timings");
        if (fs::is_regular_file(kept)) return {content_of(kept), kept};
    }
    const auto plan = build(request, timings, logger);
    if (!kept.empty()) keep(kept, *plan);
    const auto* const bytes = static_cast<const char*>(plan->data());
    return {{bytes, bytes + plan->size()}, {}};
}

}  // namespace skyseg
