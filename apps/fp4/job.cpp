#include "job.h"

#include "interrupt.h"
#include "model.h"

namespace fp4::program {

fp4_status wait_for(fp4_job* job, Progress& progress) {
    constexpr int32_t poll_ms = 50;
    fp4_job_progress state{};
    state.size = sizeof state;
    bool cancelled = false;
    for (;;) {
        const fp4_status status = fp4_job_poll(job, poll_ms, &state);
        if (status != FP4_MORE) return status;
        progress.update(state);
        if (interrupt::requested() && !cancelled) {
            cancelled = true;
            fp4_job_cancel(job);
        }
    }
}

fp4_status finish_job(fp4_status started, fp4_job* job, bool quiet, JsonObject& result) {
    if (started < 0) return started;
    Progress progress(quiet);
    fp4_status status = wait_for(job, progress);
    if (status < 0) return status;
    std::string json;
    status = read_text(json, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_job_result(job, buffer, capacity, needed);
    });
    if (status >= 0) result = JsonObject::parse(json).value_or(JsonObject());
    return status;
}

} // namespace fp4::program
