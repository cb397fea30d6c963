// The processor: what decides which precision pays.
#pragma once

#include <string>

namespace skyseg {

/// Cores this process may use, which taskset and containers make fewer than the machine has.
int cores();

/// Whether it multiplies bfloat16 itself; emulated, bf16 is slower than fp32. False where Linux does not say.
bool has_bf16();

/// Its name, for people.
std::string processor_name();

}  // namespace skyseg
