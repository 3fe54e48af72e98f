#include "libfp4/base/job.h"

#include <new>
#include <system_error>

namespace fp4 {

Result<std::unique_ptr<Job>> Job::start(Work work) {
    auto job = std::unique_ptr<Job>(new Job());
    try {
        job->thread_ = std::thread([self = job.get(), work = std::move(work)] { self->run(work); });
    } catch (const std::system_error& failure) {
        return error(Status::memory, "cannot start the job's thread: ", failure.what());
    }
    return job;
}

Job::~Job() {
    cancel();
    if (thread_.joinable()) thread_.join();
}

void Job::run(const Work& work) {
    Result<std::string> outcome = std::string();
    try {
        outcome = work(*this);
    } catch (const std::bad_alloc&) {
        outcome = error(Status::memory, "out of memory"); // so short that it needs none
    } catch (const std::exception&) {
        outcome = error(Status::internal, "internal error");
    }
    std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    progress_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    progress_.eta_seconds = 0;
    finished_ = true;
    finished_changed_.notify_all();
}

void Job::report(std::string_view phase, std::string_view item, uint64_t done, uint64_t total) {
    std::lock_guard lock(mutex_);
    if (progress_.phase != phase) {
        progress_.phase = phase;
        phase_started_ = Clock::now();
    }
    progress_.item = item;
    progress_.done = done;
    progress_.total = total;
}

Result<bool> Job::poll(int32_t timeout_ms, JobProgress* progress) {
    std::unique_lock lock(mutex_);
    auto is_finished = [&] { return finished_; };
    if (timeout_ms < 0) {
        finished_changed_.wait(lock, is_finished);
    } else if (timeout_ms > 0) {
        finished_changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), is_finished);
    }
    if (progress) {
        *progress = progress_;
        if (!finished_) {
            auto now = Clock::now();
            progress->seconds = std::chrono::duration<double>(now - started_).count();
            double phase_seconds = std::chrono::duration<double>(now - phase_started_).count();
            bool known = progress_.done > 0 && progress_.total >= progress_.done && phase_seconds > 0.5;
            double rest = static_cast<double>(progress_.total - progress_.done);
            progress->eta_seconds = known ? phase_seconds * rest / static_cast<double>(progress_.done) : -1;
        }
    }
    if (!finished_) return false;
    if (!outcome_.ok()) return outcome_.error();
    return true;
}

Result<std::string> Job::result() const {
    std::lock_guard lock(mutex_);
    if (!finished_) return error(Status::state, "the job is still running");
    return outcome_;
}

} // namespace fp4
