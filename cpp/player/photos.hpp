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

/// A file or folder that could not be read, and why.
struct Unreadable {
    std::filesystem::path path;
    std::string why;
};

/// What a run will do: photos in the order of their names, and folders that could not be looked into.
struct PhotoPlan {
    std::vector<Photo> photos;
    std::vector<Unreadable> unreadable;
    std::vector<std::string> notes;  ///< what a user would not expect of the names, a line each
};

/// Finds pictures and says where their outputs go, mirroring the tree below the folder given: `a/b.jpg` below it
/// becomes `masks/a/b.png` and `pictures/a/b.jpg`; where two photos would meet in one name, each keeps its own suffix in
/// it: `b.jpg.png` and `b.tif.png`. `given` is a file, a folder (searched recursively; linked
/// folders too) or a pattern with *, ?, [...] and **; masks and pictures are output folders, empty for none; limit 0
/// takes all. Pictures of a kind that cannot be written become PNG.
/// Throws Error: nothing found, an output folder named like a picture or that is the folder of the photos, two outputs
/// of one name, or an output onto an input.
PhotoPlan plan_photos(const std::string& given, const std::filesystem::path& masks,
                               const std::filesystem::path& pictures, long limit);

struct PhotoRun {
    RunStats stats;
    std::vector<Unreadable> unreadable;
    long looked_at = 0;  ///< photos, and folders that could not be looked into
};

/// Segments pictures and writes what `plan_photos` planned. Those that cannot be read are passed over and listed.
/// EXIF rotation is applied. Ctrl-C and SIGTERM end the run after the current file.
/// window: shows each composed picture until a key is pressed; may be null. began: on the clock of `now`, from which
/// first_frame_s counts. on_photo gets the number done. Throws Error: an output cannot be written.
PhotoRun segment_photos(const std::vector<Photo>& photos, Engine& engine, const Look& look, Window* window,
                        double began, const std::function<void(long)>& on_photo);

}  // namespace skyseg
