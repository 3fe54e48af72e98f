#pragma once

#include <fp4.h>

#include "json_output.h"
#include "progress.h"

namespace fp4::program {

/// Waits for the job, shows its progress and cancels it on Ctrl-C. FP4_DONE, or the error the job ended with
/// (the library's message is then that of this thread).
fp4_status wait_for(fp4_job* job, Progress& progress);

/// The same for a job that was just started (or could not be, as `started` says), with its result.
fp4_status finish_job(fp4_status started, fp4_job* job, bool quiet, JsonObject& result);

} // namespace fp4::program
