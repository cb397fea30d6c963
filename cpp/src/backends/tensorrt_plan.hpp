// Model file -> TensorRT plan.
#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "backend.hpp"

namespace skyseg {

/// TensorRT's complaints; the last error is kept for our own message.
class TensorRtLogger : public nvinfer1::ILogger {
public:
    void log(Severity severity, const char* message) noexcept override;
    std::string last_error() const;

private:
    mutable std::mutex mutex_;  // TensorRT logs from the builder's own threads
    std::string last_error_;
};

/// A serialised engine, and the file that it was kept in before; empty if it has just been built.
struct Plan {
    std::vector<char> bytes;
    std::filesystem::path kept_in;
};

/// The plan of a model file: from the cache folder if it holds the one of this file, GPU and TensorRT version, else built
/// (minutes) and kept there, together with what the builder measured; a disk that refuses is told of on stderr. Without
/// a folder it is built each time.
Plan plan_for(const Request& request, const std::string& gpu, TensorRtLogger& logger);

}  // namespace skyseg
