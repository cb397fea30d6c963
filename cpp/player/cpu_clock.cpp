#include "cpu_clock.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace skyseg {
namespace {

constexpr const char* TASKS = "/proc/self/task";
constexpr std::size_t UTIME = 11, STIME = 12, STARTTIME = 19;  // fields of a stat file, counted after the name

double seconds_on(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The fields of a stat file after the name, which may hold blanks itself; see proc(5). None if it is gone.
std::vector<std::string> stat_fields(const std::string& path) {
    std::ifstream stream(path);
    std::string line;
    std::getline(stream, line);
    const auto name_end = line.rfind(") ");
    if (name_end == std::string::npos) return {};
    std::istringstream fields(line.substr(name_end + 2));
    return {std::istream_iterator<std::string>(fields), {}};
}

double ticks_per_second() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

}  // namespace

ThreadIds thread_ids() {
    ThreadIds ids;
    std::error_code gone;
    for (std::filesystem::directory_iterator entry(TASKS, gone), end; !gone && entry != end; entry.increment(gone)) {
        ids.insert(std::stoi(entry->path().filename().string()));
    }
    return ids;
}

ThreadIds minus(const ThreadIds& after, const ThreadIds& before) {
    ThreadIds started;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                        std::inserter(started, started.end()));
    return started;
}

double cpu_seconds(const ThreadIds& ids) {
    long ticks = 0;
    for (const int id : ids) {
        const auto fields = stat_fields(std::string(TASKS) + "/" + std::to_string(id) + "/stat");
        if (fields.size() > STIME) ticks += std::stol(fields[UTIME]) + std::stol(fields[STIME]);
    }
    return static_cast<double>(ticks) / ticks_per_second();
}

double process_age() {
#ifdef __linux__
    const auto fields = stat_fields("/proc/self/stat");
    if (fields.size() > STARTTIME) return seconds_on(CLOCK_BOOTTIME) - std::stod(fields[STARTTIME]) / ticks_per_second();
#endif
    return 0;
}

double process_cpu_seconds() { return seconds_on(CLOCK_PROCESS_CPUTIME_ID); }
double thread_cpu_seconds() { return seconds_on(CLOCK_THREAD_CPUTIME_ID); }

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace skyseg
