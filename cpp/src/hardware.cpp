#include "hardware.hpp"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace skyseg {
namespace {

/// The value of the first line of /proc/cpuinfo with this key; empty where there is none.
std::string cpuinfo(const std::string& key) {
    std::ifstream stream("/proc/cpuinfo");
    for (std::string line; std::getline(stream, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
        const auto start = line.find_first_not_of(' ', colon + 1);
        return start == std::string::npos ? "" : line.substr(start);
    }
    return "";
}

bool any_of(std::initializer_list<const char*> wanted, const std::set<std::string>& flags) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const char* flag) { return flags.count(flag) > 0; });
}

}  // namespace

int cores() {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::set<std::string> processor_flags() {
    std::istringstream listed(cpuinfo("flags") + " " + cpuinfo("Features"));  // x86; Arm
    return {std::istream_iterator<std::string>(listed), {}};
}

bool has_bf16() {
    return any_of({"amx_bf16", "avx512_bf16", "bf16"}, processor_flags());  // x86 with and without tiles; Arm
}

bool overflows_int8(const std::set<std::string>& flags) {
    // With one of these it adds four products of 8 bits in 32.
    return flags.count("avx2") > 0 && !any_of({"avx512_vnni", "avx_vnni", "amx_int8"}, flags);
}

std::string processor_name() {
    const std::string name = cpuinfo("model name");
    return name.empty() ? "CPU" : name;
}

}  // namespace skyseg
