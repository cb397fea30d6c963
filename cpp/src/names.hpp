// Lists of choices, for messages.
#pragma once

#include <string>

#include <skyseg/skyseg.hpp>

namespace skyseg {

template <typename List>
std::string listed(const List& choices) {
    std::string text;
    for (const auto choice : choices) text += (text.empty() ? "" : ", ") + to_string(choice);
    return text;
}

}  // namespace skyseg
