#include "hardware.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
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

}  // namespace

int cores() {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

bool has_bf16() {
    static constexpr std::array flags = {"amx_bf16", "avx512_bf16", "bf16"};  // x86 with and without tiles; Arm
    std::istringstream listed(cpuinfo("flags") + " " + cpuinfo("Features"));
    const std::set<std::string> found{std::istream_iterator<std::string>(listed), {}};
    return std::any_of(flags.begin(), flags.end(), [&](const char* flag) { return found.count(flag) > 0; });
}

std::string processor_name() {
    const std::string name = cpuinfo("model name");
    return name.empty() ? "CPU" : name;
}

}  // namespace skyseg
