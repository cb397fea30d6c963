// Ctrl-C and SIGTERM as a flag that loops look at, so that outputs are finished.
#pragma once

namespace skyseg {

/// While it lives, the first signal sets the flag, and a second one ends the process at once. A signal that was
/// ignored, as in a background job, stays so.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    static bool requested();
};

}  // namespace skyseg
