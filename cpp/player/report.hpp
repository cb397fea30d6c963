// What a run says to people.
#pragma once

#include <string>
#include <vector>

#include <skyseg/skyseg.hpp>

#include "stats.hpp"

namespace skyseg {

/// One line: name, backend, precision, input size and, where the card has it, the test IoU.
std::string model_line(const EngineInfo& info);

/// The figures of a run as a few lines; unit: frames or photos; notes: one line each, such as where an output is.
std::string summary(const RunStats& stats, const std::string& unit, const std::vector<std::string>& notes);

/// A line on the terminal that counts; says nothing elsewhere, or if quiet.
class Progress {
public:
    Progress(long total, std::string unit, bool quiet);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void at(long count);

private:
    long total_;  ///< 0: unknown
    std::string unit_;
    bool on_;
    double started_, shown_ = 0;
};

}  // namespace skyseg
