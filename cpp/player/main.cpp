// skyseg_play: options() in options.cpp says what it does.
#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "cpu_clock.hpp"
#include "files.hpp"
#include "interrupts.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "photos.hpp"
#include "pipeline.hpp"
#include "report.hpp"
#include "sink.hpp"
#include "video_reader.hpp"
#include "window.hpp"
#include "../src/hardware.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

constexpr int MOST_REQUESTS = 8;  // each holds a decoded frame: 25 MB at 4K
constexpr const char* WINDOW_HINT = " (q or Esc quits, space pauses)";
constexpr const char* DEFAULT_MODELS[] = {"models/onnx/fp32.onnx", "models/release/skyseg.onnx"};

/// The model that the pipeline built, else the released one: below the working folder, else below the nearest folder
/// above this program. Empty if there is none.
fs::path default_model() {
    std::vector<fs::path> roots{""};
    std::error_code none;
    const fs::path program = fs::read_symlink("/proc/self/exe", none);
    for (fs::path folder = program.parent_path(); !none && folder.has_relative_path(); folder = folder.parent_path()) {
        roots.push_back(folder);
    }
    for (const auto& root : roots) {
        for (const char* model : DEFAULT_MODELS) {
            if (fs::is_regular_file(root / model, none)) return root / model;
        }
    }
    return {};
}

Engine open_engine(const PlayerOptions& options, bool pipelined) {
    const fs::path& path = options.engine;
    if (path.empty()) {
        throw Error("no model file is built: neither " + std::string(DEFAULT_MODELS[0]) + " nor " + DEFAULT_MODELS[1], "",
                    "build one: make demo, or dvc repro; or name one: --engine PATH");
    }
    if (is_folder(path)) {
        throw EngineError(path.string() + ": a folder; this player takes a model file",
                          "an engine folder is compiled for the Python player", "--engine models/onnx/fp32.onnx");
    }
    Options model = options.model;
    const int threads = model.threads > 0 ? model.threads : cores();
    // A frame's latency counts nowhere in a pipeline: two requests keep the cores busy between frames.
    model.requests = pipelined ? std::clamp(threads / 2, 2, MOST_REQUESTS) : 1;
    let_go_of_startup();  // of linking, before the peak that compiling the model is
    Engine engine = Engine::open(path, model);
    let_go_of_startup();
    if (!options.quiet) std::cout << model_line(engine.info()) << std::endl;
    return engine;
}

/// All that is read, the model file too.
std::vector<fs::path> inputs_with(std::vector<fs::path> inputs, const PlayerOptions& options) {
    if (!options.engine.empty()) inputs.push_back(options.engine);
    return inputs;
}

/// began: when the command was, on the clock of `now`.
RunStats play_video(const PlayerOptions& options, double began) {
    const fs::path video = options.video;
    refuse_outputs(options, inputs_with({video}, options));
    const bool show = shows(options);
    VideoReader reader(video);
    Engine engine = open_engine(options, true);
    const ModelCard& card = engine.info().card;
    std::optional<Compositor> compositor;
    if (show || !options.save.empty()) compositor.emplace(card, options.look, reader.size());
    std::vector<std::unique_ptr<Sink>> sinks;
    if (!options.save_masks.empty()) sinks.push_back(std::make_unique<MaskFolder>(options.save_masks, card));
    if (!options.save.empty()) {
        sinks.push_back(std::make_unique<VideoSink>(options.save, compositor->size(), reader.fps(), video));
    }
    std::optional<Window> window;
    if (show) window.emplace(video.filename().string() + WINDOW_HINT, sinks.empty() ? av_q2d(reader.fps()) : 0, false);
    const long promised = reader.frame_count().value_or(0);
    const long total = options.max_frames > 0 && (promised == 0 || options.max_frames < promised) ? options.max_frames
                                                                                                   : promised;
    RunStats stats;
    {
        Progress progress(total, "frames", options.quiet);
        stats = play(reader, engine, sinks,
                     {compositor ? &*compositor : nullptr, window ? &*window : nullptr, options.max_frames, began,
                      [&](long count) { progress.at(count); }});
        if (window) window->linger();
    }
    auto notes = saved_notes(options);
    for (const auto& sink : sinks) {
        for (const auto& note : sink->notes()) notes.push_back(note);
    }
    if (const auto note = reader.ended_early(); !note.empty()) notes.push_back(note);
    if (!options.quiet) std::cout << summary(stats, "frames", notes) << std::flush;
    return stats;
}

/// The run, with the photos in it that could not be read.
PhotoRun segment_images(const PlayerOptions& options, double began) {
    const bool show = shows(options);
    const auto plan = plan_photos(options.images, options.save_masks, options.save, options.max_frames);
    std::vector<fs::path> inputs;
    for (const auto& photo : plan.photos) inputs.push_back(photo.path);
    refuse_outputs(options, inputs_with(inputs, options));
    Engine engine = open_engine(options, false);
    std::optional<Window> window;
    if (show) window.emplace(fs::path(options.images).filename().string() + WINDOW_HINT, 0, true);
    PhotoRun run;
    {
        Progress progress(static_cast<long>(plan.photos.size()), "photos", options.quiet);
        run = segment_photos(plan.photos, engine, options.look, window ? &*window : nullptr, began,
                             [&](long count) { progress.at(count); });
    }
    run.unreadable.insert(run.unreadable.begin(), plan.unreadable.begin(), plan.unreadable.end());
    run.looked_at = static_cast<long>(plan.photos.size() + plan.unreadable.size());
    auto notes = plan.notes;
    for (const auto& note : saved_notes(options)) notes.push_back(note);
    if (!options.quiet) std::cout << summary(run.stats, "photos", notes) << std::flush;
    return run;
}

Error unreadable(const PhotoRun& run) {
    std::string names;
    for (const auto& [path, why] : run.unreadable) {
        names += (names.empty() ? "" : "\n       ") + path.string() + ": " + why;
    }
    return Error(std::to_string(run.unreadable.size()) + " of " + std::to_string(run.looked_at) +
                    " cannot be read, and have no mask",
                names, run.stats.frames > 0 ? "mend, convert (to .jpg or .png) or remove them; the others are done" : "");
}

int run(int count, const char* const* arguments) {
    const double began = now() - process_age();
    PlayerOptions options = parse(count, arguments);
    if (options.help) {
        std::cout << help();
        return 0;
    }
    end_on_signals();
    if (options.engine.empty()) options.engine = default_model();  // known from here on, so that no output falls on it
    const PhotoRun run = options.video.empty() ? segment_images(options, began) : PhotoRun{play_video(options, began), {}, 0};
    const RunStats& stats = run.stats;
    if (!options.stats_json.empty()) {
        const std::string json = stats.to_json();
        write_whole(options.stats_json, json.data(), json.size());
    }
    if (!run.unreadable.empty() && !stats.interrupted) throw unreadable(run);
    if (!stats.interrupted) return 0;
    if (!run.unreadable.empty()) std::cerr << unreadable(run).message() << std::endl;
    std::cerr << "interrupted" << std::endl;
    return 130;
}

}  // namespace
}  // namespace skyseg

int main(int count, char** arguments) {
#ifdef __GLIBC__
    // Large blocks go back to the system when they are freed; glibc would come to keep them in its heaps.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2);
#endif
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is then an error like a full disk
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return skyseg::run(count, arguments);
    } catch (const skyseg::UsageError& error) {
        std::cerr << skyseg::usage() << "skyseg_play: error: " << error.what << std::endl;
        return 2;
    } catch (const skyseg::Error& error) {
        std::cerr << error.message() << std::endl;
        return error.code();
    } catch (const std::exception& error) {  // the standard library's and OpenCV's, which we did not foresee
        std::cerr << "error: " << error.what() << std::endl;
        return 2;
    }
}
