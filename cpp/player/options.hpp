// The command line of skyseg_play.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <skyseg/skyseg.hpp>

#include "compositor.hpp"

namespace skyseg {

struct PlayerOptions {
    std::string video, images;  ///< one of them
    std::filesystem::path save, save_masks, stats_json, engine;
    bool show = false, quiet = false, help = false;
    Look look;
    Options model;
    long max_frames = 0;  ///< 0 is all
};

/// Something on the command line is wrong; the usage is shown with it.
struct UsageError {
    std::string what;
};

/// Throws UsageError; Error where options do not go together.
PlayerOptions parse(int count, const char* const* arguments);

std::string usage();
std::string help();

}  // namespace skyseg
