// Model file -> TensorRT plan.
#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "backend.hpp"

namespace skyseg {

/// TensorRT's complaints; the last error is kept for our own message.
class TensorRtLogger : public nvinfer1::ILogger {
public:
    void log(Severity severity, const char* message) noexcept override;
    const std::string& last_error() const { return last_error_; }

private:
    std::string last_error_;
};

/// The serialised engine of a model file: from the cache folder if it holds the one of this file, GPU and TensorRT
/// version, else built (minutes) and kept there, together with what the builder measured. Without a folder it is
/// built each time.
std::vector<char> plan_for(const Request& request, const std::string& gpu, TensorRtLogger& logger);

}  // namespace skyseg
