#include "libfp4/base/thread_priority.h"

#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace fp4 {

void set_thread_priority(ThreadPriority priority) {
#if defined(__linux__)
    // On Linux nice values belong to the thread (who = 0 is the calling one).
    if (priority == ThreadPriority::low) setpriority(PRIO_PROCESS, 0, 10);
#else
    (void)priority;
#endif
}

} // namespace fp4
