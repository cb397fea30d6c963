// A few equal things that threads take turns with.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace skyseg {

template <typename T>
class Pool {
public:
    /// A thing on loan; it goes back when the lease ends.
    class Lease {
    public:
        Lease(Pool& pool, T item) : pool_(pool), item_(std::move(item)) {}
        ~Lease() { pool_.add(std::move(item_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

        T& operator*() { return item_; }
        T* operator->() { return &item_; }

    private:
        Pool& pool_;
        T item_;
    };

    void add(T item) {
        {
            const std::lock_guard lock(mutex_);
            free_.push_back(std::move(item));
        }
        returned_.notify_one();
    }

    /// Waits for one that is free.
    Lease take() {
        std::unique_lock lock(mutex_);
        returned_.wait(lock, [this] { return !free_.empty(); });
        T item = std::move(free_.back());
        free_.pop_back();
        return {*this, std::move(item)};
    }

private:
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<T> free_;
};

}  // namespace skyseg
