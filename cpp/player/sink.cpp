#include "sink.hpp"

#include <cstdio>

#include "compositor.hpp"
#include "files.hpp"

namespace skyseg {

MaskFolder::MaskFolder(std::filesystem::path folder, ModelCard card)
    : folder_(std::move(folder)), card_(std::move(card)) {
    make_writable(folder_);
}

void MaskFolder::write(const cv::Mat&, const cv::Mat& labels, std::optional<double>) {
    char name[32];
    std::snprintf(name, sizeof name, "%06ld.png", frames_++);
    mask_picture(labels, card_, mask_);
    if (!png_) png_.emplace(mask_.size());
    const cv::Mat file = png_->encode(mask_);
    write_whole(folder_ / name, file.data, file.total());
}

}  // namespace skyseg
