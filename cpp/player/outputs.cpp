#include "outputs.hpp"

#include <iostream>
#include <utility>

#include "files.hpp"
#include "video_writer.hpp"
#include "window.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

struct Place {
    const char* option;
    fs::path path, whole;  ///< as given, and `resolved`
};

std::vector<Place> places(const PlayerOptions& options) {
    std::vector<Place> given;
    for (const auto& [option, path] : {std::pair("--save", &options.save), std::pair("--save-masks", &options.save_masks),
                                       std::pair("--stats-json", &options.stats_json)}) {
        if (!path->empty()) given.push_back({option, *path, resolved(*path)});
    }
    return given;
}

/// A path has one slash left of an address's two. Shown in a message, the address may tell a password.
void refuse_addresses(const std::vector<Place>& given) {
    for (const auto& place : given) {
        const std::string path = place.path.string();
        const auto colon = path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
        if (colon == std::string::npos || colon < 2 || path.compare(colon, 2, ":/") != 0) continue;
        throw Error(std::string(place.option) + ": is for files here, not for addresses", "", "name a path");
    }
}

}  // namespace

void refuse_outputs(const PlayerOptions& options, const std::vector<fs::path>& inputs) {
    const auto given = places(options);
    refuse_addresses(given);
    const bool video = !options.video.empty();
    if (!options.save.empty() && video) refuse_unless_video(options.save);
    if (!options.save.empty()) check_writable(video ? options.save.parent_path() : options.save);
    const fs::path& figures = options.stats_json;
    if (!figures.empty() && is_folder(figures)) {
        throw Error(figures.string() + ": a folder of this name is in the way", "", "name a file after --stats-json");
    }
    if (!figures.empty() && !is_device(figures)) check_writable(figures.parent_path());
    if (!options.save_masks.empty()) check_writable(options.save_masks);
    if (!options.model.cache.empty()) check_writable(options.model.cache);
    for (auto one = given.begin(); one != given.end(); ++one) {
        for (auto other = given.begin(); other != one; ++other) {
            if (one->whole != other->whole) continue;
            throw Error(std::string(other->option) + " and " + one->option + ": both would write " + one->path.string(),
                        "", "give each a place of its own");
        }
    }
    for (const auto& input : inputs) {
        const fs::path read = resolved(input);
        for (const auto& place : given) {
            if (place.whole != read) continue;
            throw Error(place.path.string() + ": is the input itself", "", "save to another file");
        }
    }
}

bool shows(const PlayerOptions& options) {
    const bool saved = !options.save.empty() || !options.save_masks.empty();
    if (saved && !options.show) return false;
    const auto reason = Window::unavailable();
    if (reason.empty()) return true;
    if (!saved) {
        throw Error(options.show ? "cannot open a window" : "nothing to do with the result", reason,
                    std::string("add --save OUT or --save-masks DIR") + (options.show ? " and drop --show" : ""));
    }
    std::cerr << "note: --show: " << reason << "; what is saved is saved all the same" << std::endl;
    return false;
}

std::vector<std::string> saved_notes(const PlayerOptions& options) {
    std::vector<std::string> notes;
    for (const auto& path : {options.save, options.save_masks}) {
        if (is_file(path) || is_folder(path)) notes.push_back("saved: " + path.string());
    }
    return notes;
}

}  // namespace skyseg
