// Ctrl-C and SIGTERM: at once, without leaving half a file; or as a flag that loops look at, so that outputs are finished.
#pragma once

#include <filesystem>

namespace skyseg {

/// From here on a signal ends the process with 130, and the files of `GoesOnSignal` go. One that was ignored, as in a
/// background job, stays so.
void end_on_signals();

/// While it lives, the first signal sets the flag; a second one ends the process.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    static bool requested();
};

/// While it lives, its file is removed if a signal ends the process.
class GoesOnSignal {
public:
    explicit GoesOnSignal(const std::filesystem::path& file);
    ~GoesOnSignal();
    GoesOnSignal(const GoesOnSignal&) = delete;
    GoesOnSignal& operator=(const GoesOnSignal&) = delete;

private:
    int place_ = -1;  ///< among those that the handler sees; -1 if it has no more room
};

}  // namespace skyseg
