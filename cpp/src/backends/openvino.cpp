// OpenVINO on the processor: compiled for batch 1, as many requests in flight as asked for.
#include <cstring>
#include <iostream>

#include <openvino/openvino.hpp>

#include "../fingerprint.hpp"
#include "../hardware.hpp"
#include "../pool.hpp"
#include "backend.hpp"
#include "openvino_int8.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

/// The contract's name, where a port has several because a neighbour was folded into it.
std::string contract_name(const ov::Output<const ov::Node>& port) {
    for (const char* name : {INPUT, LABELS, CONFIDENCE}) {
        if (port.get_names().count(name)) return name;
    }
    return port.get_names().empty() ? "(no name)" : port.get_any_name();
}

Ports ports_of(const std::vector<ov::Output<const ov::Node>>& outputs) {
    Ports ports;
    for (const auto& port : outputs) {
        auto& shape = ports[contract_name(port)];
        if (port.get_partial_shape().rank().is_dynamic()) continue;
        for (const auto& size : port.get_partial_shape()) shape.push_back(size.is_static() ? size.get_length() : -1);
    }
    return ports;
}

/// Always stated: OpenVINO's own choice follows the processor, and so would the masks. What an int8 graph leaves in
/// float runs in bf16 where the processor has it.
ov::element::Type hint(Precision precision) {
    switch (precision) {
        case Precision::bf16: return ov::element::bf16;
        case Precision::fp16: return ov::element::f16;
        case Precision::int8: return has_bf16() ? ov::element::bf16 : ov::element::f32;
        default: return ov::element::f32;
    }
}

/// The compiled models of a cache folder, and beside each its fingerprint.
template <typename Visit>
void for_each_blob(const fs::path& cache, const Visit& visit) {
    std::error_code none;  // yet
    std::vector<fs::path> blobs;
    for (const auto& entry : fs::directory_iterator(cache, none)) {
        if (entry.path().extension() == ".blob") blobs.push_back(entry.path());
    }
    for (const auto& blob : blobs) visit(blob, fs::path(blob).replace_extension(".fnv1a"));
}

/// Removes those that are not as `seal` left them: OpenVINO plays a damaged one, wrongly.
void drop_damaged(const fs::path& cache) {
    for_each_blob(cache, [](const fs::path& blob, const fs::path& seal) {
        const auto kept = content_of(seal);
        if (std::string(kept.begin(), kept.end()) == fingerprint(content_of(blob))) return;
        fs::remove(blob);
        fs::remove(seal);
    });
}

void seal(const fs::path& cache) {
    for_each_blob(cache, [](const fs::path& blob, const fs::path& seal) {
        if (!fs::exists(seal)) std::ofstream(seal, std::ios::binary) << fingerprint(content_of(blob));
    });
}

ov::CompiledModel compile(const Request& request) {
    ov::Core core;
    if (!request.cache.empty()) {
        core.set_property(ov::cache_dir(request.cache.string()));
        drop_damaged(request.cache);
    }
    const auto model = core.read_model(request.path.string());
    // A batch left dynamic costs 5 to 10 % of every frame.
    std::map<ov::Output<ov::Node>, ov::PartialShape> shapes;
    for (const auto& port : model->inputs()) {
        auto shape = port.get_partial_shape();
        if (shape.rank().is_static() && shape.size() > 0) shape[0] = 1;
        shapes[port] = shape;
    }
    model->reshape(shapes);
    if (request.precision == Precision::int8 && overflows_int8(processor_flags())) fit_into_16_bits(*model);
    ov::AnyMap settings{ov::hint::inference_precision(hint(request.precision)),
                        ov::inference_num_threads(request.threads)};
    if (request.requests == 1) {
        settings.insert(ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
    } else {
        settings.insert(ov::hint::performance_mode(ov::hint::PerformanceMode::THROUGHPUT));
        settings.insert(ov::hint::num_requests(static_cast<std::uint32_t>(request.requests)));
    }
    auto compiled = core.compile_model(model, "CPU", settings);
    if (!request.cache.empty()) seal(request.cache);
    return compiled;
}

class OpenVinoEngine : public BackendEngine {
public:
    explicit OpenVinoEngine(const Request& request) : compiled_(compile(request)), card_(request.card) {
        const auto ports = compiled_.outputs();
        for (std::size_t index = 0; index < ports.size(); ++index) {
            if (contract_name(ports[index]) == LABELS) labels_ = index;
            if (contract_name(ports[index]) == CONFIDENCE) confidence_ = index;
        }
        warn_of_other_precision(request.precision);
        for (int i = 0; i < request.requests; ++i) free_.add(compiled_.create_infer_request());
    }

    Ports inputs() const override { return ports_of(compiled_.inputs()); }
    Ports outputs() const override { return ports_of(compiled_.outputs()); }
    std::string device() const override { return processor_name(); }

    void infer(const std::uint8_t* frame, std::uint8_t* labels, std::uint8_t* confidence) override {
        const ov::Shape shape{1, static_cast<std::size_t>(card_.height), static_cast<std::size_t>(card_.width), 3};
        auto request = free_.take();
        request->set_input_tensor(ov::Tensor(ov::element::u8, shape, const_cast<std::uint8_t*>(frame)));
        request->infer();
        copy(request->get_output_tensor(labels_), labels);
        copy(request->get_output_tensor(confidence_), confidence);
    }

private:
    /// A processor without the one that was asked for computes in f32 instead.
    void warn_of_other_precision(Precision wanted) const {
        const auto computes = compiled_.get_property(ov::hint::inference_precision);
        if (computes == hint(wanted)) return;
        std::cerr << "warning: this processor has no " << to_string(wanted) << " arithmetic: OpenVINO computes in "
                  << computes.get_type_name() << std::endl;
    }

    static void copy(const ov::Tensor& from, std::uint8_t* to) {
        std::memcpy(to, from.data<std::uint8_t>(), from.get_byte_size());
    }

    ov::CompiledModel compiled_;
    ModelCard card_;
    std::size_t labels_ = 0, confidence_ = 0;
    Pool<ov::InferRequest> free_;
};

}  // namespace

std::unique_ptr<BackendEngine> open_openvino(const Request& request) {
    return std::make_unique<OpenVinoEngine>(request);
}

}  // namespace skyseg
