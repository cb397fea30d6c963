#include <skyseg/skyseg.hpp>

namespace skyseg {

Error::Error(std::string what, std::string why, std::string fix, int code)
    : std::runtime_error(std::move(what)), why_(std::move(why)), fix_(std::move(fix)), code_(code) {}

std::string Error::message() const {
    std::string text = std::string("error: ") + what();
    if (!why_.empty()) text += "\n  why: " + why_;
    if (!fix_.empty()) text += "\n  fix: " + fix_;
    return text;
}

EngineError::EngineError(std::string what, std::string why, std::string fix)
    : Error(std::move(what), std::move(why), std::move(fix), 3) {}

}  // namespace skyseg
