#include "interrupts.hpp"

#include <csignal>
#include <initializer_list>

namespace skyseg {
namespace {

volatile std::sig_atomic_t heard = 0;

extern "C" void note(int) { heard = 1; }

void handle(void (*from)(int), void (*to)(int), int flags) {
    for (const int signal : {SIGINT, SIGTERM}) {
        struct sigaction found {};
        sigaction(signal, nullptr, &found);
        if (found.sa_handler != from) continue;
        struct sigaction action {};
        action.sa_handler = to;
        action.sa_flags = flags;
        sigaction(signal, &action, nullptr);
    }
}

}  // namespace

Interrupts::Interrupts() {
    heard = 0;
    handle(SIG_DFL, note, SA_RESTART | static_cast<int>(SA_RESETHAND));
}

Interrupts::~Interrupts() { handle(note, SIG_DFL, 0); }

bool Interrupts::requested() { return heard != 0; }

}  // namespace skyseg
