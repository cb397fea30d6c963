#include "memory.hpp"

#include <cstdint>  // tells __GLIBC__

#ifdef __GLIBC__
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace skyseg {

#ifdef __GLIBC__
namespace {

/// Whether the loader wrote addresses among the code, as it may for code that was not compiled to be moved.
bool has_relocated_code(const dl_phdr_info& object) {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto& segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_DYNAMIC) continue;
        const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == DT_TEXTREL) return true;
            if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
        }
    }
    return false;
}

/// Segments that may not be written are the file's, page for page; what is let go of them is read again when needed.
int let_go_of_code(dl_phdr_info* object, std::size_t, void*) {
    if (has_relocated_code(*object)) return 0;
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t start = (object->dlpi_addr + segment.p_vaddr) / page * page;
        const std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
        if (end > start) madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

void let_go_of_startup() {
    malloc_trim(0);
    dl_iterate_phdr(let_go_of_code, nullptr);
}
#else
void let_go_of_startup() {}
#endif

}  // namespace skyseg
