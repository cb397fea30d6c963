// A bounded queue between two threads that can end, or break, without anyone left waiting.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace skyseg {

/// Thrown to whoever waits at a broken channel; the thread that broke it holds the reason.
struct Broken {};

template <typename T>
class Channel {
public:
    explicit Channel(std::size_t capacity) : capacity_(capacity) {}

    /// Waits while the channel is full.
    void put(T item) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return broken_ || items_.size() < capacity_; });
        if (broken_) throw Broken{};
        items_.push_back(std::move(item));
        changed_.notify_all();
    }

    /// Waits for an item; nothing once the channel has ended and is empty.
    std::optional<T> get() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return broken_ || ended_ || !items_.empty(); });
        if (broken_) throw Broken{};
        if (items_.empty()) return std::nullopt;
        T item = std::move(items_.front());
        items_.pop_front();
        changed_.notify_all();
        return item;
    }

    /// No more items will come; what is held is still taken.
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

    /// Wakes everyone who waits, with Broken, and drops what is held.
    void break_off() {
        std::deque<T> dropped;  // destroyed after the lock is given back
        const std::lock_guard lock(mutex_);
        broken_ = true;
        dropped.swap(items_);
        changed_.notify_all();
    }

private:
    const std::size_t capacity_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> items_;
    bool ended_ = false, broken_ = false;
};

}  // namespace skyseg
