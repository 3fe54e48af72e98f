// Jobs: progress while they run, one result at the end, and no way to be left hanging.
#include "libfp4/base/job.h"

#include <doctest/doctest.h>

#include <future>

using namespace fp4;

namespace {

std::unique_ptr<Job> start(Job::Work work) {
    auto job = Job::start(std::move(work));
    REQUIRE(job.ok());
    return std::move(*job);
}

// Works until cancelled.
Result<std::string> endless(JobControl& control) {
    for (;;) {
        FP4_TRY(control.check());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace

TEST_CASE("the result of a job is there once it has finished") {
    std::promise<void> go;
    auto job = start([gate = go.get_future().share()](JobControl&) -> Result<std::string> {
        gate.wait();
        return std::string("{\"answer\": 42}");
    });
    CHECK(*job->poll(0, nullptr) == false);
    CHECK(job->result().error().status == Status::state);
    go.set_value();
    CHECK(*job->poll(-1, nullptr) == true);
    CHECK(*job->result() == "{\"answer\": 42}");
    CHECK(*job->poll(0, nullptr) == true); // and again
    CHECK(*job->result() == "{\"answer\": 42}");
}

TEST_CASE("polling waits no longer than it was told") {
    auto job = start(endless);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(*job->poll(20, nullptr) == false);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(20));
}

TEST_CASE("progress is what was reported last") {
    std::promise<void> reported, go;
    auto job = start([&, gate = go.get_future().share()](JobControl& control) -> Result<std::string> {
        control.report("reading", "a", 1, 0);
        control.report("writing", "tensor b", 3, 7);
        reported.set_value();
        gate.wait();
        return std::string();
    });
    reported.get_future().wait();
    JobProgress progress;
    CHECK(*job->poll(0, &progress) == false);
    CHECK(progress.phase == "writing");
    CHECK(progress.item == "tensor b");
    CHECK(progress.done == 3);
    CHECK(progress.total == 7);
    CHECK(progress.seconds >= 0);
    go.set_value();
    CHECK(*job->poll(-1, &progress) == true);
    CHECK(progress.eta_seconds == 0);
    const double seconds = progress.seconds;
    CHECK(*job->poll(5, &progress) == true);
    CHECK(progress.seconds == seconds); // the clock has stopped
}

TEST_CASE("the time to come is known after a while, and never for an unknown total") {
    std::promise<void> go;
    auto job = start([gate = go.get_future().share()](JobControl& control) -> Result<std::string> {
        control.report("working", "", 1, 4);
        gate.wait();
        control.report("working", "", 5, 4); // a total that was too small
        return endless(control);
    });
    JobProgress progress;
    do {
        REQUIRE(job->poll(1, &progress).ok());
    } while (progress.total == 0);
    if (progress.seconds < 0.5) CHECK(progress.eta_seconds < 0); // too early to tell
    REQUIRE(job->poll(600, &progress).ok());
    CHECK(progress.eta_seconds > 1.0); // three quarters are left after more than half a second
    go.set_value();
    do {
        REQUIRE(job->poll(1, &progress).ok());
    } while (progress.done != 5);
    CHECK(progress.eta_seconds < 0);
}

TEST_CASE("cancelling, before the work looks and while it runs") {
    for (bool wait_first : {false, true}) {
        auto job = start(endless);
        if (wait_first) CHECK(*job->poll(5, nullptr) == false);
        job->cancel();
        auto finished = job->poll(-1, nullptr);
        REQUIRE(!finished.ok());
        CHECK(finished.error().status == Status::cancelled);
        CHECK(job->result().error().status == Status::cancelled);
    }
}

TEST_CASE("an error of the work is the job's, every time it is asked") {
    auto job =
        start([](JobControl&) -> Result<std::string> { return error(Status::corrupt, "x.fp4: damaged"); });
    for (int i = 0; i < 2; ++i) {
        auto finished = job->poll(-1, nullptr);
        REQUIRE(!finished.ok());
        CHECK(finished.error().status == Status::corrupt);
        CHECK(finished.error().message == "x.fp4: damaged");
    }
    CHECK(job->result().error().message == "x.fp4: damaged");
}

TEST_CASE("memory that runs out in a job is its error") {
    auto job = start([](JobControl&) -> Result<std::string> { throw std::bad_alloc(); });
    auto finished = job->poll(-1, nullptr);
    REQUIRE(!finished.ok());
    CHECK(finished.error().status == Status::memory);
}

TEST_CASE("a job that is destroyed while it runs is cancelled and waited for") {
    std::atomic<bool> ended{false};
    start([&](JobControl& control) -> Result<std::string> {
        auto result = endless(control);
        ended = true;
        return result;
    }).reset();
    CHECK(ended.load());
}

TEST_CASE("several threads may poll one job") {
    auto job = start(endless);
    std::vector<std::future<Status>> waiters;
    for (int i = 0; i < 4; ++i) {
        waiters.push_back(std::async(std::launch::async, [&] {
            auto finished = job->poll(-1, nullptr);
            return finished.ok() ? Status::ok : finished.error().status;
        }));
    }
    job->cancel();
    for (auto& waiter : waiters) CHECK(waiter.get() == Status::cancelled);
}
