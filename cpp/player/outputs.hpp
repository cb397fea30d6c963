// The places that a command's options name: refused before anything is opened, told when all is done.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "options.hpp"

namespace skyseg {

/// Refuses what could not be written, or would be written twice or over an input; makes nothing.
/// inputs: files that are read. Throws Error, naming the options.
void refuse_outputs(const PlayerOptions& options, const std::vector<std::filesystem::path>& inputs);

/// Whether to open a window: if asked to, or if nothing is saved; not without a display, if something is saved.
/// Throws Error: nothing is saved and there is no display.
bool shows(const PlayerOptions& options);

/// A line for each output, where it is.
std::vector<std::string> saved_notes(const PlayerOptions& options);

}  // namespace skyseg
