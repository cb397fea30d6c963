#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "files.hpp"
#include "photos.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

// What OpenCV reads, each where its build can.
constexpr std::array READABLE = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".bmp", ".dib", ".tif", ".tiff",
                                 ".webp", ".avif", ".gif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".hdr"};
// Photographs too, but nothing here decodes them. They are named, so that nobody takes them for segmented.
constexpr std::array UNREADABLE = {".heic", ".heif", ".jxl"};
// The others become PNG.
constexpr std::array WRITABLE = {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".jp2"};

template <typename Suffixes>
std::string listed(const Suffixes& suffixes) {
    std::string text;
    for (const char* const suffix : suffixes) text += (text.empty() ? "" : ", ") + std::string(suffix);
    return text;
}

template <typename Suffixes>
bool ends_in(const Suffixes& suffixes, const fs::path& path) {
    const std::string suffix = lower_suffix(path);
    return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

bool is_picture_name(const fs::path& path) {
    return path.filename().string().front() != '.' && (ends_in(READABLE, path) || ends_in(UNREADABLE, path));
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
    return part != end && fnmatch(pattern->c_str(), part->c_str(), FNM_NOESCAPE) == 0 &&
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

/// Walks a tree, through links too, but not round in circles.
class Search {
public:
    /// skipped: folders below the first one that are not looked into, `resolved`; levels: how deep to go, 0 is all the way.
    Search(std::set<fs::path> skipped, std::size_t levels, PhotoPlan& plan)
        : skipped_(std::move(skipped)), levels_(levels), plan_(plan) {}

    /// Gives every file below a folder to `found`, links to nowhere too: they are named, not passed over.
    template <typename Visit>
    void walk(const fs::path& folder, const Visit& found) {
        if (levels_ > 0 && above_.size() == levels_) return;
        const fs::path real = resolved(folder);
        if (std::find(above_.begin(), above_.end(), real) != above_.end()) return;
        if (!above_.empty() && skipped_.count(real) > 0) return;
        std::error_code failure;
        std::vector<fs::path> entries;
        for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
            entries.push_back(entry->path());
        }
        if (failure) plan_.unreadable.push_back({folder, failure.message()});
        above_.push_back(real);
        for (const auto& entry : entries) {
            const fs::file_status status = fs::status(entry, failure);
            if (fs::is_directory(status)) {
                walk(entry, found);
            } else if (fs::is_regular_file(status) || fs::is_symlink(fs::symlink_status(entry, failure))) {
                found(entry);
            }
        }
        above_.pop_back();
    }

private:
    std::set<fs::path> skipped_;
    std::size_t levels_;
    PhotoPlan& plan_;
    std::vector<fs::path> above_;
};

struct Found {
    fs::path root;
    std::vector<fs::path> paths;
};

Found find(const std::string& given, const std::vector<fs::path>& outputs, PhotoPlan& plan) {
    const fs::path path(given);
    if (is_file(path)) return {path.parent_path(), {path}};
    const bool pattern = !is_folder(path);
    if (pattern && !has_magic(given)) {
        throw Error(given + ": no such picture, folder or pattern", "", "check the path; quote a pattern");
    }
    const fs::path fixed = pattern ? fixed_part(path) : path;
    const fs::path rest = pattern ? path.lexically_relative(fixed) : fs::path();
    Found found{fixed.empty() ? "." : fixed, {}};
    // What an earlier run wrote below the folder itself is no input to this one.
    std::set<fs::path> written;
    for (const auto& folder : outputs) written.insert(resolved(folder));
    const bool all_the_way = std::find(rest.begin(), rest.end(), "**") != rest.end();
    const auto levels = all_the_way ? 0 : static_cast<std::size_t>(std::distance(rest.begin(), rest.end()));
    Search(written, levels, plan).walk(found.root, [&](const fs::path& candidate) {
        const fs::path relative = candidate.lexically_relative(found.root);
        if (!is_picture_name(candidate)) return;
        if (pattern && !matches(relative.begin(), relative.end(), rest.begin(), rest.end())) return;
        found.paths.push_back(candidate);
    });
    if (pattern) plan.unreadable.clear();  // a pattern asks for what it matches alone
    if (found.paths.empty() && plan.unreadable.empty()) {
        throw Error(given + ": no pictures there", "", "pictures end in one of: " + listed(READABLE));
    }
    std::sort(found.paths.begin(), found.paths.end());
    return found;
}

/// The short names, and the whole ones where short ones would meet, on file systems that fold case too.
std::vector<fs::path> apart(const std::vector<fs::path>& short_names, const std::vector<fs::path>& whole_names) {
    const auto folded = [](const fs::path& path) {
        std::string name = path.string();
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        return name;
    };
    auto chosen = short_names;
    for (bool changed = true; changed;) {
        changed = false;
        std::map<std::string, int> users;
        for (const auto& name : chosen) ++users[folded(name)];
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (users[folded(chosen[i])] == 1 || chosen[i] == whole_names[i]) continue;
            chosen[i] = whole_names[i];
            changed = true;
        }
    }
    return chosen;
}

void refuse_clashes(const std::vector<Photo>& photos) {
    std::map<fs::path, fs::path> inputs, writers;
    for (const auto& photo : photos) inputs.emplace(resolved(photo.path), photo.path);
    for (const auto& photo : photos) {
        for (const auto& output : {photo.mask, photo.picture}) {
            if (output.empty()) continue;
            const fs::path target = resolved(output);
            if (const auto input = inputs.find(target); input != inputs.end()) {
                throw Error(output.string() + ": would overwrite the picture " + input->second.string(), "",
                            "save to another folder");
            }
            if (const auto [writer, alone] = writers.emplace(target, photo.path); !alone) {
                throw Error(writer->second.string() + " and " + photo.path.string() + ": both would write " +
                                output.string(),
                            "", "give --save and --save-masks folders of their own");
            }
        }
    }
}

}  // namespace

PhotoPlan plan_photos(const std::string& given, const fs::path& masks, const fs::path& pictures, long limit) {
    std::vector<fs::path> outputs;
    for (const auto& folder : {masks, pictures}) {
        if (folder.empty()) continue;
        if (is_file(folder) || ends_in(READABLE, folder)) {
            throw Error(folder.string() + ": photos are saved into a folder, not a file", "", "name a folder");
        }
        outputs.push_back(folder);
    }
    PhotoPlan plan;
    auto [root, paths] = find(given, outputs, plan);
    for (const auto& folder : outputs) {
        if (!is_file(given) && resolved(folder) == resolved(root)) {
            throw Error(folder.string() + ": is the folder of the photos themselves",
                        "what is saved there would be taken for photos the next time",
                        "save to another folder; one inside it will do");
        }
    }
    if (limit > 0 && paths.size() > static_cast<std::size_t>(limit)) paths.resize(static_cast<std::size_t>(limit));
    std::vector<fs::path> plain, whole, kept;
    for (const auto& path : paths) {
        const fs::path name = root.empty() ? path : path.lexically_relative(root);
        plain.push_back(fs::path(name).replace_extension(".png"));
        whole.push_back(fs::path(name) += ".png");
        kept.push_back(ends_in(WRITABLE, name) ? name : plain.back());
    }
    const auto as_masks = apart(plain, whole), as_pictures = apart(kept, whole);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        plan.photos.push_back({paths[i], masks.empty() ? fs::path() : masks / as_masks[i],
                               pictures.empty() ? fs::path() : pictures / as_pictures[i]});
    }
    refuse_clashes(plan.photos);
    if (masks.empty()) return plan;
    const auto longer = std::mismatch(as_masks.begin(), as_masks.end(), plain.begin()).first;
    if (longer != as_masks.end()) plan.notes.push_back("note: photos differ in their suffix alone, so it stays: " + longer->string());
    return plan;
}

}  // namespace skyseg
