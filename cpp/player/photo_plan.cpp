#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <map>

#include "files.hpp"
#include "photos.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

constexpr std::array SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"};

bool is_picture_name(const fs::path& path) {
    const std::string suffix = lower_suffix(path);
    return std::find(SUFFIXES.begin(), SUFFIXES.end(), suffix) != SUFFIXES.end();
}

bool has_magic(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

/// Whether the parts of a path match those of a pattern; "**" takes any number of folders.
bool matches(fs::path::iterator part, fs::path::iterator end, fs::path::iterator pattern, fs::path::iterator last) {
    if (pattern == last) return part == end;
    if (*pattern == "**") {
        const auto next = std::next(pattern);
        for (auto rest = part; rest != end; ++rest) {
            if (matches(rest, end, next, last)) return true;
        }
        return next == last;
    }
    return part != end && fnmatch(pattern->c_str(), part->c_str(), 0) == 0 &&
           matches(std::next(part), end, std::next(pattern), last);
}

/// The folder above the first part of a pattern that holds a wildcard.
fs::path fixed_part(const fs::path& pattern) {
    fs::path fixed;
    for (const auto& part : pattern) {
        if (has_magic(part.string())) break;
        fixed /= part;
    }
    return fixed;
}

bool below(const fs::path& path, const fs::path& folder) {
    const auto [end, _] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return end == folder.end();
}

struct Found {
    fs::path root;
    std::vector<fs::path> paths;
};

Found find(const std::string& given, const std::vector<fs::path>& outputs) {
    const fs::path path(given);
    if (fs::is_regular_file(path)) return {path.parent_path(), {path}};
    const bool pattern = !fs::is_directory(path);
    if (pattern && !has_magic(given)) {
        throw Error(given + ": no such picture, folder or pattern", "", "check the path; quote a pattern");
    }
    const fs::path root = pattern ? fixed_part(path) : path;
    const fs::path start = root.empty() ? "." : root;
    const fs::path rest = pattern ? path.lexically_relative(root) : fs::path();
    // Masks of an earlier run below the folder itself are no input to this one.
    std::vector<fs::path> inside;
    for (const auto& folder : outputs) {
        if (fs::weakly_canonical(folder) != fs::weakly_canonical(start)) inside.push_back(fs::weakly_canonical(folder));
    }
    Found found{start, {}};
    std::error_code failure;
    fs::recursive_directory_iterator entry(start, fs::directory_options::skip_permission_denied, failure);
    for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
        const fs::path& candidate = entry->path();
        const fs::path relative = candidate.lexically_relative(start);
        if (candidate.filename().string().front() == '.' || !is_picture_name(candidate)) continue;
        if (pattern && !matches(relative.begin(), relative.end(), rest.begin(), rest.end())) continue;
        if (!entry->is_regular_file(failure)) continue;
        const fs::path whole = fs::weakly_canonical(candidate);
        if (std::any_of(inside.begin(), inside.end(), [&](const auto& folder) { return below(whole, folder); })) continue;
        found.paths.push_back(candidate);
    }
    if (found.paths.empty()) {
        throw Error(given + ": no pictures there", "", "pictures end in one of: .jpg, .jpeg, .png, .bmp, .tif, .tiff, .webp");
    }
    std::sort(found.paths.begin(), found.paths.end());
    return found;
}

void refuse_clashes(const std::vector<Photo>& photos) {
    std::map<fs::path, fs::path> inputs, writers;
    for (const auto& photo : photos) inputs.emplace(fs::weakly_canonical(photo.path), photo.path);
    for (const auto& photo : photos) {
        for (const auto& output : {photo.mask, photo.picture}) {
            if (output.empty()) continue;
            const fs::path target = fs::weakly_canonical(output);
            if (const auto input = inputs.find(target); input != inputs.end()) {
                throw Error(output.string() + ": would overwrite the picture " + input->second.string(), "",
                            "save to another folder");
            }
            if (const auto [writer, alone] = writers.emplace(target, photo.path); !alone) {
                throw Error(writer->second.string() + " and " + photo.path.string() + ": both would write " +
                                output.string(),
                            "", "rename one, or give them in separate runs; and keep --save and --save-masks apart");
            }
        }
    }
}

}  // namespace

std::vector<Photo> plan_photos(const std::string& given, const fs::path& masks, const fs::path& pictures, long limit) {
    std::vector<fs::path> outputs;
    for (const auto& folder : {masks, pictures}) {
        if (folder.empty()) continue;
        if (fs::is_regular_file(folder) || is_picture_name(folder)) {
            throw Error(folder.string() + ": photos are saved into a folder, not a file", "", "name a folder");
        }
        outputs.push_back(folder);
    }
    auto [root, paths] = find(given, outputs);
    if (limit > 0 && paths.size() > static_cast<std::size_t>(limit)) paths.resize(static_cast<std::size_t>(limit));
    std::vector<Photo> photos;
    for (const auto& path : paths) {
        const fs::path relative = root.empty() ? path : path.lexically_relative(root);
        photos.push_back({path, masks.empty() ? fs::path() : masks / fs::path(relative).replace_extension(".png"),
                          pictures.empty() ? fs::path() : pictures / relative});
    }
    refuse_clashes(photos);
    return photos;
}

}  // namespace skyseg
