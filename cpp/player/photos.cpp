#include "photos.hpp"

#include <optional>

#include "cpu_clock.hpp"
#include "interrupts.hpp"
#include "pictures.hpp"

namespace skyseg {
namespace {

/// Adds the wall and CPU time from here to the end of the block to a step.
class Timing {
public:
    Timing(Measured& measured, Step step)
        : measured_(measured), step_(step), began_(now()), cpu_began_(process_cpu_seconds()) {}
    ~Timing() {
        const double ended = now();
        measured_.wall[step_].push_back(ended - began_);
        measured_.cpu[step_] += process_cpu_seconds() - cpu_began_;
        if (step_ == INFER) measured_.inferring.emplace_back(began_, ended);
    }
    Timing(const Timing&) = delete;
    Timing& operator=(const Timing&) = delete;

private:
    Measured& measured_;
    Step step_;
    double began_, cpu_began_;
};

/// What one photo leaves for the next: buffers and the compositor of its size.
class Worker {
public:
    Worker(Engine& engine, const Look& look, Window* window, Measured& measured)
        : engine_(engine), look_(look), window_(window), measured_(measured) {}

    /// False, and why, if the photo cannot be read.
    bool segment(const Photo& photo, std::string& why) {
        cv::Mat image;
        {
            const Timing timing(measured_, DECODE);
            image = read_photo(photo.path, &why);
        }
        if (image.empty()) return false;
        {
            const Timing timing(measured_, INFER);
            engine_.infer(image, small_);
            engine_.enlarge(small_, image.size(), labels_);
        }
        if (!photo.picture.empty() || window_ != nullptr) compose(image);
        const Timing timing(measured_, SINK);
        if (!photo.mask.empty()) {
            mask_picture(labels_, engine_.info().card, mask_);
            write_picture(photo.mask, mask_);
        }
        if (!photo.picture.empty()) write_picture(photo.picture, picture_);
        return true;
    }

    const cv::Mat& picture() const { return picture_; }

private:
    void compose(const cv::Mat& image) {
        const Timing timing(measured_, COMPOSE);
        if (!compositor_ || compositor_->frame_size() != image.size()) {
            compositor_.emplace(engine_.info().card, look_, image.size());
        }
        compositor_->compose(image, labels_, picture_);
    }

    Engine& engine_;
    const Look& look_;
    Window* window_;
    Measured& measured_;
    std::optional<Compositor> compositor_;
    Masks small_;
    cv::Mat labels_, mask_, picture_;
};

}  // namespace

PhotoRun segment_photos(const std::vector<Photo>& photos, Engine& engine, const Look& look, Window* window,
                        double began, const std::function<void(long)>& on_photo) {
    PhotoRun run;
    Measured measured;
    Worker worker(engine, look, window, measured);
    const Interrupts interrupts;
    const double started = now();
    long done = 0;
    for (const auto& photo : photos) {
        if (Interrupts::requested()) break;
        std::string why;
        if (!worker.segment(photo, why)) {
            run.unreadable.push_back({photo.path, why});
        } else {
            if (++measured.frames == 1) measured.first_frame_s = now() - began;
            if (window != nullptr && !window->show(worker.picture())) break;
        }
        if (on_photo) on_photo(++done);
    }
    measured.interrupted = Interrupts::requested();
    measured.seconds = now() - started;
    run.stats = summarise(measured);
    return run;
}

}  // namespace skyseg
