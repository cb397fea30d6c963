// The processor: what decides which precision pays.
#pragma once

#include <set>
#include <string>

namespace skyseg {

/// Cores this process may use, which taskset and containers make fewer than the machine has.
int cores();

/// Its instruction sets by Linux's names; empty where that does not list them.
std::set<std::string> processor_flags();

/// Whether it multiplies bfloat16 itself; emulated, bf16 is slower than fp32. False where Linux does not say.
bool has_bf16();

/// Whether a processor of these flags is an x86 that adds products of 8 bits in 16, where int8 nets overflow.
bool overflows_int8(const std::set<std::string>& flags);

/// Its name, for people.
std::string processor_name();

}  // namespace skyseg
