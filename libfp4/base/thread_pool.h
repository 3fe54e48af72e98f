// The library's own worker threads. Workers never call user code.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "libfp4/base/result.h"

namespace fp4 {

enum class ThreadPriority : int32_t { normal = 0, low = 1 };

class ThreadPool {
  public:
    // threads counts the calling thread: threads = 1 starts none. 0 means one per processor
    // that the system shows.
    static Result<std::unique_ptr<ThreadPool>> create(int threads, ThreadPriority priority);
    static int count(int threads); // with 0 resolved
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const;

    // Calls body(index) or body(index, worker) for each index in [0, count), spread over the workers and the
    // calling thread; returns when all have finished. worker in [0, threads()) names the thread, for its
    // scratch memory. One caller at a time. body must not throw.
    template <class Body>
    void parallel_for(size_t count, Body&& body) {
        run(
            count,
            [](void* context, size_t index, size_t worker) {
                auto& call = *static_cast<std::remove_reference_t<Body>*>(context);
                if constexpr (std::is_invocable_v<Body, size_t, size_t>) {
                    call(index, worker);
                } else {
                    call(index);
                }
            },
            const_cast<void*>(static_cast<const void*>(&body)));
    }

  private:
    using Task = void (*)(void* context, size_t index, size_t worker);
    struct Impl;
    explicit ThreadPool(std::unique_ptr<Impl> impl);
    void run(size_t count, Task task, void* context);
    std::unique_ptr<Impl> impl_;
};

} // namespace fp4
