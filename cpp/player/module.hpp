// Parts that are loaded on first use, because the libraries behind them are many: docs/cpp.md has the figures.
#pragma once

#include <dlfcn.h>

#include <string>

#include <skyseg/skyseg.hpp>

namespace skyseg {

/// A symbol of a module beside the program, found by its run path; the module is never unloaded. Throws Error.
template <typename Functions>
const Functions& load_module(const std::string& file, const char* symbol) {
    void* const module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const found = module == nullptr ? nullptr : dlsym(module, symbol);
    if (found == nullptr) {
        const char* const why = dlerror();
        throw Error(file + " cannot be loaded", why == nullptr ? "" : why,
                    "keep it beside skyseg_play; make cpp builds both");
    }
    return *static_cast<const Functions*>(found);
}

}  // namespace skyseg
