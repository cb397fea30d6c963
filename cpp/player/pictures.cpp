#include "pictures.hpp"

#include <dlfcn.h>

#include <fstream>
#include <iterator>

#include <skyseg/skyseg.hpp>

#include "files.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

const PictureCodecs& codecs() {
    static const PictureCodecs* const found = [] {
        // Found beside the program by its run path; never unloaded.
        void* const module = dlopen("libskyseg_pictures.so", RTLD_NOW | RTLD_LOCAL);
        void* const symbol = module == nullptr ? nullptr : dlsym(module, PICTURE_CODECS);
        if (symbol == nullptr) {
            const char* const why = dlerror();
            throw Error("libskyseg_pictures.so cannot be loaded", why == nullptr ? "" : why,
                        "keep it beside skyseg_play; make cpp builds both");
        }
        return static_cast<const PictureCodecs*>(symbol);
    }();
    return *found;
}

}  // namespace

cv::Mat read_photo(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream), {}};
    return file.empty() ? cv::Mat() : codecs().decode(file);
}

void write_picture(const fs::path& path, const cv::Mat& picture) {
    std::vector<unsigned char> file;
    if (!codecs().encode(path.extension().string(), picture, file)) {
        throw Error(path.string() + ": cannot write pictures of this kind", "", "use .png or .jpg");
    }
    write_whole(path, file.data(), file.size());
}

}  // namespace skyseg
