// Long work on a thread of its own: progress to look at, a flag to cancel, a result at the end.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "libfp4/base/result.h"

namespace fp4 {

struct JobProgress {
    std::string phase;
    std::string item;
    uint64_t done = 0;
    uint64_t total = 0; // 0: not known yet
    double seconds = 0;
    double eta_seconds = -1; // < 0: not known yet
};

// What the work sees of its job.
class JobControl {
  public:
    virtual ~JobControl() = default;
    virtual bool cancelled() const = 0;
    virtual void report(std::string_view phase, std::string_view item, uint64_t done, uint64_t total) = 0;

    // Fails once the job was cancelled; long loops call it often.
    Result<void> check() const {
        if (cancelled()) return error(Status::cancelled, "the job was cancelled");
        return {};
    }
};

class Job : private JobControl {
  public:
    // Gives the result as JSON text, or why there is none.
    using Work = std::function<Result<std::string>(JobControl&)>;

    static Result<std::unique_ptr<Job>> start(Work work);
    ~Job(); // cancels and waits

    // Waits up to timeout_ms (< 0: until the end). True once finished with success; the work's error if it
    // failed.
    Result<bool> poll(int32_t timeout_ms, JobProgress* progress);
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
    Result<std::string> result() const;

  private:
    using Clock = std::chrono::steady_clock;
    Job() : started_(Clock::now()) {}
    bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
    void report(std::string_view phase, std::string_view item, uint64_t done, uint64_t total) override;
    void run(const Work& work);

    std::atomic<bool> cancelled_{false};
    mutable std::mutex mutex_; // guards what follows
    std::condition_variable finished_changed_;
    JobProgress progress_;
    Clock::time_point started_;
    Clock::time_point phase_started_;
    bool finished_ = false;
    Result<std::string> outcome_ = std::string();
    std::thread thread_;
};

} // namespace fp4
