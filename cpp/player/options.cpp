#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <set>
#include <vector>

#include "../src/names.hpp"

namespace skyseg {
namespace {

constexpr const char* SUMMARY = R"(Plays the sky mask on a video, or writes it for photographs.

    skyseg_play --video clip.mp4                          in a window, in real time
    skyseg_play --video clip.mp4 --save out.mp4           as a video with the sky tinted
    skyseg_play --video clip.mp4 --view side-by-side --save out.mp4
    skyseg_play --video clip.mp4 --save-masks masks/      as masks/000000.png, 000001.png, ...
    skyseg_play --images photos/images --save-masks masks/    photos/images/a/b.jpg as masks/a/b.png
    skyseg_play --images 'photos/images/*.jpg' --save pictures/    tinted pictures

Masks have the size of their frame or photo; 255 is sky (of a model with more classes: the class index).
In a window, q or Esc quits and space pauses; photos wait for a key.
)";
constexpr const char* EXIT_CODES = R"(
exit codes:
  0    done
  2    something is wrong with the input or an option; photos that cannot be read are named, after the others are done
  3    the engine or model file cannot be used here
  130  interrupted by Ctrl-C or SIGTERM; what was saved until then is complete
)";
constexpr std::array VIEWS = {View::overlay, View::mask, View::side_by_side, View::outline, View::cut_out};

long positive(const std::string& text) {
    long value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value < 1) {
        throw UsageError{"'" + text + "' is not a whole number from 1"};
    }
    return value;
}

double share(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1)) {  // NaN too
        throw UsageError{"'" + text + "' is not between 0 and 1"};
    }
    return value;
}

Colour colour(const std::string& text) {
    unsigned value = 0;
    const char* const start = text.data() + (!text.empty() && text[0] == '#' ? 1 : 0);
    const char* const end = text.data() + text.size();
    if (end - start != 6 || std::from_chars(start, end, value, 16).ptr != end) {
        throw UsageError{"'" + text + "' is not a colour such as #0072ff"};
    }
    const auto channel = [&](unsigned shift) { return static_cast<std::uint8_t>(value >> shift & 0xFF); };
    return {channel(16), channel(8), channel(0)};
}

View view(const std::string& text) {
    std::string choices;
    for (const View known : VIEWS) {
        if (text == to_string(known)) return known;
        choices += (choices.empty() ? "" : ", ") + to_string(known);
    }
    throw UsageError{"invalid choice: '" + text + "' (choose from " + choices + ")"};
}

template <typename Function>
auto choice(Function from, const std::string& text) {
    try {
        return from(text);
    } catch (const Error& error) {
        throw UsageError{"invalid choice: '" + text + "' (" + error.fix() + ")"};
    }
}

/// Options that only some views heed.
struct Heeded {
    const char* option;
    std::vector<View> views;
};
const Heeded HEEDED[] = {{"--opacity", {View::overlay, View::side_by_side}},
                         {"--colour", {View::overlay, View::side_by_side, View::outline}},
                         {"--background", {View::cut_out}}};

void refuse_unheeded(const std::set<std::string>& given, View view) {
    for (const auto& [option, views] : HEEDED) {
        if (given.count(option) == 0 || std::find(views.begin(), views.end(), view) != views.end()) continue;
        std::string choices;
        for (const View one : views) choices += (choices.empty() ? "" : " or ") + to_string(one);
        throw Error(std::string(option) + ": --view " + to_string(view) + " has no use for it", "",
                    "leave it out, or choose --view " + choices);
    }
}

/// An option: its name, its value's name (empty: a switch), what it is for, and what it sets.
struct Option {
    std::string name, value, purpose;
    std::function<void(PlayerOptions&, const std::string&)> set;
};

const std::vector<Option>& options() {
    using O = PlayerOptions;
    using S = const std::string;
    static const std::vector<Option> all{
        {"--video", "FILE", "a video file", [](O& o, S& t) { o.video = t; }},
        {"--images", "PATH", "a picture, a folder (with its subfolders), or a quoted glob",
         [](O& o, S& t) { o.images = t; }},
        {"--save", "OUT", "a video file, or for --images a folder of pictures", [](O& o, S& t) { o.save = t; }},
        {"--save-masks", "DIR", "a folder of PNG masks", [](O& o, S& t) { o.save_masks = t; }},
        {"--show", "", "play in a window (the default if nothing is saved)", [](O& o, S&) { o.show = true; }},
        {"--engine", "PATH", "a model file (default: models/onnx/fp32.onnx, else models/release/skyseg.onnx)",
         [](O& o, S& t) { o.engine = t; }},
        {"--view", "VIEW", "overlay, mask, side-by-side, outline or cut-out (default: overlay)",
         [](O& o, S& t) { o.look.view = view(t); }},
        {"--opacity", "0..1", "of the tint in an overlay (default: 0.5)", [](O& o, S& t) { o.look.opacity = share(t); }},
        {"--colour", "#RRGGBB", "of the tint and outline (default: the model's)",
         [](O& o, S& t) { o.look.colour = colour(t); }},
        {"--background", "#RRGGBB", "in place of what is cut out (default: #000000)",
         [](O& o, S& t) { o.look.background = colour(t); }},
        {"--backend", "NAME", "auto, openvino, onnxruntime or tensorrt (default: auto); built in: " + listed(backends()),
         [](O& o, S& t) { o.model.backend = choice(backend_from, t); }},
        {"--precision", "NAME", "auto, fp32, bf16, fp16 or int8 (default: auto, the model's; bf16 for fp32 where\n                          the processor has it and the model's card says that it keeps the labels)",
         [](O& o, S& t) { o.model.precision = choice(precision_from, t); }},
        {"--threshold", "0..1", "probability from which a pixel is sky (default: the model's)",
         [](O& o, S& t) { o.model.threshold = share(t); }},
        {"--threads", "N", "for inference (default: every core)",
         [](O& o, S& t) { o.model.threads = static_cast<int>(std::min(positive(t), 1024L)); }},
        {"--cache", "DIR", "keep compiled models there, for the next start", [](O& o, S& t) { o.model.cache = t; }},
        {"--max-frames", "N", "end after N frames or photos", [](O& o, S& t) { o.max_frames = positive(t); }},
        {"--stats-json", "FILE", "write the figures of the run there", [](O& o, S& t) { o.stats_json = t; }},
        {"--quiet", "", "say nothing but errors", [](O& o, S&) { o.quiet = true; }},
        {"--help", "", "show this and exit", [](O& o, S&) { o.help = true; }},
    };
    return all;
}

const Option& option_named(const std::string& name) {
    const auto found = std::find_if(options().begin(), options().end(), [&](const auto& o) { return o.name == name; });
    if (found == options().end()) throw UsageError{"unrecognized arguments: " + name};
    return *found;
}

}  // namespace

PlayerOptions parse(int count, const char* const* arguments) {
    PlayerOptions parsed;
    std::set<std::string> given;
    for (int i = 1; i < count; ++i) {
        std::string name = arguments[i], text;
        if (name == "-h") name = "--help";
        const auto equals = name.find('=');
        const bool attached = name.rfind("--", 0) == 0 && equals != std::string::npos;
        if (attached) {
            text = name.substr(equals + 1);
            name.resize(equals);
        }
        const Option& option = option_named(name);
        given.insert(name);
        if (option.value.empty() && attached) throw UsageError{"argument " + name + ": takes no value"};
        if (!option.value.empty() && !attached) {
            if (i + 1 == count || std::string(arguments[i + 1]).rfind("--", 0) == 0) {
                throw UsageError{"argument " + name + ": expected one argument"};
            }
            text = arguments[++i];
        }
        if (!option.value.empty() && text.empty()) throw UsageError{"argument " + name + ": expected one argument"};
        try {
            option.set(parsed, text);
        } catch (const UsageError& error) {
            throw UsageError{"argument " + name + ": " + error.what};
        }
    }
    if (parsed.help) return parsed;
    if (parsed.video.empty() == parsed.images.empty()) {
        throw UsageError{parsed.video.empty() ? "one of the arguments --video --images is required"
                                              : "argument --images: not allowed with argument --video"};
    }
    refuse_unheeded(given, parsed.look.view);
    return parsed;
}

std::string usage() {
    std::string text = "usage: skyseg_play";
    std::size_t column = text.size();
    for (const auto& option : options()) {
        const std::string part = " [" + option.name + (option.value.empty() ? "" : " " + option.value) + "]";
        if (column + part.size() > 110) {
            text += "\n                  ";
            column = 18;
        }
        text += part;
        column += part.size();
    }
    return text + "\n";
}

std::string help() {
    std::string text = usage() + "\n" + SUMMARY + "\noptions:\n";
    for (const auto& option : options()) {
        std::string left = "  " + option.name + (option.value.empty() ? "" : " " + option.value);
        left.resize(std::max<std::size_t>(left.size() + 1, 26), ' ');
        text += left + option.purpose + "\n";
    }
    return text + EXIT_CODES;
}

}  // namespace skyseg
