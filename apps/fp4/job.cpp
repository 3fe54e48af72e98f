#include "job.h"

#include "interrupt.h"

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

} // namespace fp4::program
