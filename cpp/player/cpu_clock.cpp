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

double seconds_on(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

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
        std::ifstream stream(std::string(TASKS) + "/" + std::to_string(id) + "/stat");
        std::string line;
        std::getline(stream, line);
        const auto name_end = line.rfind(") ");
        if (name_end == std::string::npos) continue;
        std::istringstream fields(line.substr(name_end + 2));
        const std::vector<std::string> values{std::istream_iterator<std::string>(fields), {}};
        if (values.size() > 12) ticks += std::stol(values[11]) + std::stol(values[12]);  // utime, stime: proc(5)
    }
    return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double process_cpu_seconds() { return seconds_on(CLOCK_PROCESS_CPUTIME_ID); }
double thread_cpu_seconds() { return seconds_on(CLOCK_THREAD_CPUTIME_ID); }

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace skyseg
