// What stands behind the opaque handles. Parents are shared: closing one only drops its user's share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "api/fp4.h"
#include "libfp4/base/job.h"
#include "libfp4/engine/generation.h"

namespace fp4::api {

// A context and who is using it. Kept alive by its handle and by generations on it.
struct SharedContext {
    std::unique_ptr<Context> context;
    std::atomic<bool> in_call{false};
    std::weak_ptr<Generation> generation; // the last one started on it
};

// Marks a handle as used by one call; a second call at once gets FP4_E_BUSY.
class CallGuard {
  public:
    static Result<CallGuard> enter(std::atomic<bool>& in_call) {
        if (in_call.exchange(true, std::memory_order_acquire)) {
            return error(Status::busy, "another call is running on this handle");
        }
        return CallGuard(&in_call);
    }
    CallGuard(CallGuard&& other) noexcept : in_call_(std::exchange(other.in_call_, nullptr)) {}
    CallGuard& operator=(CallGuard&&) = delete;
    ~CallGuard() {
        if (in_call_) in_call_->store(false, std::memory_order_release);
    }

  private:
    explicit CallGuard(std::atomic<bool>* in_call) : in_call_(in_call) {}
    std::atomic<bool>* in_call_;
};

// Counts live handles: the allocator may only change while there are none.
struct LiveHandle {
    static inline std::atomic<int64_t> count{0};
    LiveHandle() { count.fetch_add(1, std::memory_order_relaxed); }
    ~LiveHandle() { count.fetch_sub(1, std::memory_order_relaxed); }
    LiveHandle(const LiveHandle&) = delete;
};

} // namespace fp4::api

struct fp4_model : fp4::api::LiveHandle {
    std::shared_ptr<const fp4::Model> model;
};

struct fp4_ctx : fp4::api::LiveHandle {
    std::shared_ptr<fp4::api::SharedContext> shared;
};

struct fp4_gen : fp4::api::LiveHandle {
    std::shared_ptr<fp4::api::SharedContext> context; // outlives the generation
    std::shared_ptr<fp4::Generation> generation;
    std::atomic<bool> in_step{false};
    std::atomic<bool> in_read{false};
};

struct fp4_job : fp4::api::LiveHandle {
    std::shared_ptr<const fp4::Model> model; // of fp4_model_open_start, written by its thread before it ends
    std::mutex taking;                       // of the model, by several callers
    std::unique_ptr<fp4::Job> job;           // last: its thread ends before the rest goes
};
