// How the library's threads stand against the host's.
#pragma once

#include "libfp4/base/thread_pool.h"

namespace fp4 {

// Of the calling thread, for good. Low: it yields to threads of normal priority. Does nothing where the
// system has no such thing.
void set_thread_priority(ThreadPriority priority);

} // namespace fp4
