// CPU time of threads, so that a codec's own workers are charged to the step that uses them.
#pragma once

#include <set>

namespace skyseg {

using ThreadIds = std::set<int>;

/// The ids of this process's threads; empty where not on Linux. Those a call starts: after minus before.
ThreadIds thread_ids();
ThreadIds minus(const ThreadIds& after, const ThreadIds& before);

/// CPU seconds that these threads have used so far; those that have ended count nothing.
double cpu_seconds(const ThreadIds& ids);

/// Seconds since the system started this process, to 10 ms; 0 where not on Linux.
double process_age();

double process_cpu_seconds();
double thread_cpu_seconds();

/// Seconds on a clock that only goes forward.
double now();

}  // namespace skyseg
