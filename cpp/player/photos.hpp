// Pictures through an engine: found, planned so that no output meets another, and written one by one.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <skyseg/skyseg.hpp>

#include "compositor.hpp"
#include "stats.hpp"
#include "window.hpp"

namespace skyseg {

/// A picture to read, and where its mask and its composed picture go (empty: nowhere).
struct Photo {
    std::filesystem::path path, mask, picture;
};

/// Finds pictures and says where their outputs go, mirroring the tree below the folder given: `a/b.jpg` below it
/// becomes `masks/a/b.png` and `pictures/a/b.jpg`. `given` is a file, a folder (searched recursively) or a pattern
/// with *, ?, [...] and **; masks and pictures are output folders, empty for none; limit 0 takes all.
/// Throws Error: nothing found, an output folder named like a picture, two outputs of one name, or an output onto an
/// input.
std::vector<Photo> plan_photos(const std::string& given, const std::filesystem::path& masks,
                               const std::filesystem::path& pictures, long limit);

struct PhotoRun {
    RunStats stats;
    std::vector<std::filesystem::path> unreadable;
};

/// Segments pictures and writes what `plan_photos` planned. Those that cannot be read are passed over and listed.
/// EXIF rotation is applied. Ctrl-C and SIGTERM end the run after the current file.
/// window: shows each composed picture until a key is pressed; may be null. on_photo gets the number done.
/// Throws Error: none could be read, or an output cannot be written.
PhotoRun segment_photos(const std::vector<Photo>& photos, Engine& engine, const Look& look, Window* window,
                        const std::function<void(long)>& on_photo);

}  // namespace skyseg
