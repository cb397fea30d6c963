// Memory that only starting up needed.
#pragma once

namespace skyseg {

/// Gives the heap's free blocks back to the system, and lets go of the libraries' code and constants that were read from
/// their files so far: of 74 MiB, linking and compiling a model need all but 15. They stay in the page cache, and what is
/// needed again is mapped again. Does nothing where the C library is another than GNU's.
void let_go_of_startup();

}  // namespace skyseg
