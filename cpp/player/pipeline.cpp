#include "pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "channel.hpp"
#include "cpu_clock.hpp"
#include "interrupts.hpp"

namespace skyseg {
namespace {

constexpr std::size_t QUEUE_DEPTH = 1;  // after compose; the buffers that go round are fewer than its places

/// OpenCV's pool would fight the engine's for the same cores.
class SingleOpenCvThread {
public:
    SingleOpenCvThread() : before_(cv::getNumThreads()) { cv::setNumThreads(1); }
    ~SingleOpenCvThread() { cv::setNumThreads(before_); }
    SingleOpenCvThread(const SingleOpenCvThread&) = delete;
    SingleOpenCvThread& operator=(const SingleOpenCvThread&) = delete;

private:
    int before_;
};

/// Reused buffers of one frame's result.
struct Canvas {
    cv::Mat labels, picture;
};

/// A frame on its way; each step fills in what is its own.
struct Item {
    cv::Mat frame;
    Masks small;
    std::optional<double> time;  // in the video, in seconds
    double started = 0, answered = 0;
    Canvas canvas;
};

/// What a worker owes: if it is dropped unanswered, the promise breaks and nobody waits for it for ever.
struct Task {
    std::shared_ptr<Item> item;
    std::promise<void> done;
};

struct Ordered {
    std::shared_ptr<Item> item;
    std::future<void> done;
};

class Run {
public:
    Run(VideoReader& reader, Engine& engine, const std::vector<std::unique_ptr<Sink>>& sinks, const Show& show)
        : reader_(reader),
          engine_(engine),
          sinks_(sinks),
          show_(show),
          requests_(static_cast<std::size_t>(engine.requests())),
          composing_(show.compositor != nullptr),
          in_place_(composing_ && show.compositor->in_place()),
          waiting_(1),
          ordered_(requests_ + 1),
          composed_(QUEUE_DEPTH),
          delivered_(QUEUE_DEPTH),
          frames_(frame_count()),
          canvases_(canvas_count()) {
        for (std::size_t i = 0; i < frame_count(); ++i) frames_.put(reader.buffer());
        for (std::size_t i = 0; i < canvas_count(); ++i) canvases_.put({});
    }

    RunStats play() {
        const double process_cpu = process_cpu_seconds(), main_cpu = thread_cpu_seconds();
        const auto [decoder_cpu, writer_cpu] = native_cpu();
        started_ = now();
        std::vector<std::thread> threads;
        try {
            threads.push_back(start(&Run::decode, DECODE));
            for (std::size_t i = 0; i < requests_; ++i) threads.push_back(start(&Run::infer, INFER));
            threads.push_back(start(&Run::compose, COMPOSE));
            threads.push_back(start(&Run::sink, SINK));
            deliver();
        } catch (const Broken&) {  // the thread that broke the channels left the reason
        } catch (...) {
            fail(std::current_exception());
        }
        for (auto& thread : threads) thread.join();
        if (error_) std::rethrow_exception(error_);
        for (const auto& sink : sinks_) sink->finish();
        const auto [decoder_cpu_now, writer_cpu_now] = native_cpu();
        auto& cpu = measured_.cpu;
        cpu[DECODE] += decoder_cpu_now - decoder_cpu;
        cpu[SINK] += writer_cpu_now - writer_cpu + thread_cpu_seconds() - main_cpu;
        // The engine's threads are whatever no one else has claimed.
        const double others = cpu[DECODE] + cpu[COMPOSE] + cpu[SINK];
        cpu[INFER] = std::max(0.0, process_cpu_seconds() - process_cpu - others);
        measured_.interrupted = Interrupts::requested();
        return summarise(measured_);
    }

private:
    /// One to write into while another is read; a window has one more in its hands.
    std::size_t canvas_count() const { return show_.window != nullptr ? 3 : 2; }
    /// The model takes a frame at once. Where it is composed, it stays while its answer is made: one for each request,
    /// for decode and for compose; drawn onto, it lives on as the canvas.
    std::size_t frame_count() const {
        if (!composing_) return 2;
        return requests_ + 2 + (in_place_ ? canvas_count() - 1 : 0);
    }
    bool stopping() const { return window_quit_ || Interrupts::requested(); }

    void deliver() {
        while (auto item = delivered_.get()) {
            if (show_.window != nullptr && !stopping() && !show_.window->show((*item)->canvas.picture, (*item)->time)) {
                window_quit_ = true;
            }
            if (in_place_) frames_.put(std::move((*item)->frame));
            canvases_.put(std::move((*item)->canvas));
            ++measured_.frames;
            measured_.seconds = now() - started_;
            if (measured_.frames == 1) measured_.first_frame_s = now() - show_.began.value_or(started_);
            if (show_.on_frame) show_.on_frame(measured_.frames);
        }
    }

    void decode() {
        for (long index = 0; show_.max_frames == 0 || index < show_.max_frames; ++index) {
            auto frame = frames_.get();
            if (stopping()) break;
            const double began = now();
            if (!reader_.read(*frame)) break;
            measured_.wall[DECODE].push_back(now() - began);
            auto item = std::make_shared<Item>();
            item->frame = std::move(*frame);
            item->time = reader_.time();
            Task task{item, {}};
            ordered_.put({item, task.done.get_future()});
            waiting_.put(std::move(task));
        }
        waiting_.end();
        ordered_.end();
    }

    void infer() {
        while (auto task = waiting_.get()) {
            Item& item = *task->item;
            item.started = now();
            engine_.infer(item.frame, item.small, [&] {
                if (!composing_) frames_.put(std::move(item.frame));
            });
            item.answered = now();
            task->done.set_value();
        }
    }

    void compose() {
        while (auto ordered = ordered_.get()) {
            Item& item = *ordered->item;
            try {
                ordered->done.get();
            } catch (const std::future_error&) {  // a worker failed and said why
                throw Broken{};
            }
            measured_.inferring.emplace_back(item.started, item.answered);
            measured_.wall[INFER].push_back(item.answered - item.started);
            item.canvas = std::move(*canvases_.get());
            const double began = now();
            engine_.enlarge(item.small, reader_.size(), item.canvas.labels);
            if (in_place_) item.canvas.picture = item.frame;
            if (composing_) show_.compositor->compose(item.frame, item.canvas.labels, item.canvas.picture);
            measured_.wall[COMPOSE].push_back(now() - began);
            if (composing_ && !in_place_) frames_.put(std::move(item.frame));
            composed_.put(std::move(ordered->item));
        }
        composed_.end();
    }

    void sink() {
        while (auto item = composed_.get()) {
            const double began = now();
            for (const auto& sink : sinks_) {
                sink->write((*item)->canvas.picture, (*item)->canvas.labels, (*item)->time);
            }
            measured_.wall[SINK].push_back(now() - began);
            delivered_.put(std::move(*item));
        }
        delivered_.end();
    }

    std::thread start(void (Run::*step)(), Step charged) {
        return std::thread([this, step, charged] {
            try {
                (this->*step)();
            } catch (const Broken&) {  // another thread failed and said why
            } catch (...) {
                fail(std::current_exception());
            }
            if (charged != INFER) measured_.cpu[charged] += thread_cpu_seconds();
        });
    }

    void fail(std::exception_ptr error) {
        {
            const std::lock_guard lock(error_mutex_);
            if (!error_) error_ = error;
        }
        waiting_.break_off();
        ordered_.break_off();
        composed_.break_off();
        delivered_.break_off();
        frames_.break_off();
        canvases_.break_off();
    }

    std::pair<double, double> native_cpu() const {
        double writers = 0;
        for (const auto& sink : sinks_) writers += cpu_seconds(sink->threads());
        return {cpu_seconds(reader_.threads()), writers};
    }

    VideoReader& reader_;
    Engine& engine_;
    const std::vector<std::unique_ptr<Sink>>& sinks_;
    const Show& show_;
    const std::size_t requests_;
    const bool composing_, in_place_;
    Channel<Task> waiting_;
    Channel<Ordered> ordered_;
    Channel<std::shared_ptr<Item>> composed_, delivered_;
    Channel<cv::Mat> frames_;
    Channel<Canvas> canvases_;
    std::mutex error_mutex_;
    std::exception_ptr error_;
    std::atomic<bool> window_quit_{false};
    Measured measured_;
    double started_ = 0;
};

}  // namespace

RunStats play(VideoReader& reader, Engine& engine, const std::vector<std::unique_ptr<Sink>>& sinks, const Show& show) {
    const SingleOpenCvThread single;
    const Interrupts interrupts;
    return Run(reader, engine, sinks, show).play();
}

}  // namespace skyseg
