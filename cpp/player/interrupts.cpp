#include "interrupts.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>
#include <initializer_list>

namespace skyseg {
namespace {

constexpr int MOST_FILES = 8;  // a video, a mask and the figures are open at a time
constexpr int INTERRUPTED = 130;

volatile std::sig_atomic_t heard = 0, heeded = 0;

/// In static memory, as a handler may not take a lock, nor read what another thread may just be freeing.
struct Doomed {
    std::atomic<bool> taken{false}, whole{false};  ///< whole: its name is
    char name[PATH_MAX];
};
std::array<Doomed, MOST_FILES> doomed;

extern "C" void note(int) {
    if (heeded && !heard) {
        heard = 1;
        return;
    }
    for (const auto& file : doomed) {
        if (file.whole) unlink(file.name);
    }
    static constexpr char said[] = "interrupted\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, said, sizeof said - 1);
    _exit(INTERRUPTED);
}

}  // namespace

void end_on_signals() {
    for (const int signal : {SIGINT, SIGTERM}) {
        struct sigaction found {};
        sigaction(signal, nullptr, &found);
        if (found.sa_handler != SIG_DFL) continue;
        struct sigaction action {};
        action.sa_handler = note;
        action.sa_flags = SA_RESTART;
        sigaction(signal, &action, nullptr);
    }
}

Interrupts::Interrupts() {
    heard = 0;
    heeded = 1;
    end_on_signals();
}

Interrupts::~Interrupts() { heeded = 0; }

bool Interrupts::requested() { return heard != 0; }

GoesOnSignal::GoesOnSignal(const std::filesystem::path& file) {
    const auto& name = file.native();
    if (name.size() >= PATH_MAX) return;
    for (int i = 0; i < MOST_FILES && place_ < 0; ++i) {
        if (!doomed[i].taken.exchange(true)) place_ = i;
    }
    if (place_ < 0) return;
    std::memcpy(doomed[place_].name, name.c_str(), name.size() + 1);
    doomed[place_].whole = true;
}

GoesOnSignal::~GoesOnSignal() {
    if (place_ < 0) return;
    doomed[place_].whole = false;
    doomed[place_].taken = false;
}

}  // namespace skyseg
