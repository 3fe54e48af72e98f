#include "libfp4/base/thread_pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "libfp4/base/thread_priority.h"

namespace fp4 {
namespace {

// Decode launches a few hundred loops per token, microseconds apart: a worker spins about this long for the
// next one before it sleeps.
constexpr int spin_rounds = 4000;

void relax() {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

} // namespace

struct ThreadPool::Impl {
    std::vector<std::thread> workers;
    std::mutex mutex;
    std::condition_variable wake;
    int sleepers = 0;
    bool stop = false;

    // One loop at a time. task, context and count are written only while the loop is closed and nobody is
    // active. A worker announces itself before it looks whether a loop is open, the caller closes the loop
    // before it looks for active workers (both sequentially consistent, Dekker's pattern): so the caller need
    // not wait for a worker that sleeps or was not scheduled in time.
    std::atomic<uint64_t> generation{0}; // loops started so far
    std::atomic<bool> open{false};
    std::atomic<int> active{0};
    Task task = nullptr;
    void* context = nullptr;
    size_t count = 0;
    std::atomic<size_t> next{0};

    void drain(size_t worker) {
        for (size_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
             i = next.fetch_add(1, std::memory_order_relaxed)) {
            task(context, i, worker);
        }
    }

    bool wait_for_work(uint64_t seen) {
        for (int i = 0; i < spin_rounds; ++i) {
            if (generation.load(std::memory_order_acquire) != seen) return true;
            relax();
        }
        std::unique_lock lock(mutex);
        ++sleepers;
        wake.wait(lock, [&] { return stop || generation.load(std::memory_order_acquire) != seen; });
        --sleepers;
        return !stop;
    }

    void work(ThreadPriority priority, size_t worker) {
        set_thread_priority(priority);
        uint64_t seen = 0;
        while (wait_for_work(seen)) {
            seen = generation.load(std::memory_order_acquire);
            active.fetch_add(1, std::memory_order_seq_cst);
            if (open.load(std::memory_order_seq_cst)) drain(worker);
            active.fetch_sub(1, std::memory_order_release);
        }
    }
};

ThreadPool::ThreadPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

int ThreadPool::count(int threads) {
    if (threads != 0) return threads;
    return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads, ThreadPriority priority) {
    constexpr int max_threads = 1024;
    if (threads < 0 || threads > max_threads) {
        return error(Status::argument, "thread count ", threads, " is outside 0..", max_threads);
    }
    threads = count(threads);
    auto pool = std::unique_ptr<ThreadPool>(new ThreadPool(std::make_unique<Impl>()));
    for (int i = 1; i < threads; ++i) {
        try {
            pool->impl_->workers.emplace_back(
                [impl = pool->impl_.get(), priority, worker = static_cast<size_t>(i)] {
                    impl->work(priority, worker);
                });
        } catch (const std::system_error& failure) {
            return error(Status::memory, "cannot start worker thread ", i, ": ", failure.what());
        }
    }
    return pool;
}

ThreadPool::~ThreadPool() {
    if (!impl_) return;
    {
        std::lock_guard lock(impl_->mutex);
        impl_->stop = true;
        impl_->generation.fetch_add(1, std::memory_order_release);
    }
    impl_->wake.notify_all();
    for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::threads() const {
    return static_cast<int>(impl_->workers.size()) + 1;
}

void ThreadPool::run(size_t count, Task task, void* context) {
    Impl& pool = *impl_;
    if (count <= 1 || pool.workers.empty()) {
        for (size_t i = 0; i < count; ++i) task(context, i, 0);
        return;
    }
    pool.task = task;
    pool.context = context;
    pool.count = count;
    pool.next.store(0, std::memory_order_relaxed);
    pool.open.store(true, std::memory_order_seq_cst);
    bool wake_sleepers;
    {
        std::lock_guard lock(pool.mutex);
        pool.generation.fetch_add(1, std::memory_order_release);
        wake_sleepers = pool.sleepers > 0;
    }
    if (wake_sleepers) pool.wake.notify_all();
    pool.drain(0);
    pool.open.store(false, std::memory_order_seq_cst);
    // Active workers are in their last item: short, so spin, then let others run.
    for (int i = 0; pool.active.load(std::memory_order_seq_cst) != 0; ++i) {
        if (i < spin_rounds) {
            relax();
        } else {
            std::this_thread::yield();
        }
    }
}

} // namespace fp4
