// Version, log, allocator, memory.
#include "api/handles.h"
#include "api/shim.h"
#include "libfp4/base/host_allocator.h"
#include "libfp4/base/log.h"
#include "libfp4/engine/backend.h"

using namespace fp4;
using namespace fp4::api;

namespace {

#define FP4_TEXT_OF(number) FP4_TEXT(number)
#define FP4_TEXT(number) #number

const char build_info[] = "libfp4 " FP4_TEXT_OF(FP4_VERSION_MAJOR) "." FP4_TEXT_OF(
    FP4_VERSION_MINOR) "." FP4_TEXT_OF(FP4_VERSION_PATCH)
#if defined(__clang__)
    ", clang " __clang_version__
#elif defined(__GNUC__)
    ", gcc " __VERSION__
#endif
    ", backends: cpu (" FP4_CPU_LEVELS
    ")"
#ifdef FP4_WITH_CUDA
    ", cuda"
#endif
    ;

} // namespace

uint32_t fp4_version(void) {
    return FP4_VERSION;
}

const char* fp4_build_info(void) {
    return build_info;
}

const char* fp4_status_name(fp4_status status) {
    switch (status) {
        case FP4_OK:
            return "FP4_OK";
        case FP4_MORE:
            return "FP4_MORE";
        case FP4_DONE:
            return "FP4_DONE";
        case FP4_E_ARGUMENT:
            return "FP4_E_ARGUMENT";
        case FP4_E_MEMORY:
            return "FP4_E_MEMORY";
        case FP4_E_SPACE:
            return "FP4_E_SPACE";
        case FP4_E_IO:
            return "FP4_E_IO";
        case FP4_E_NOT_FOUND:
            return "FP4_E_NOT_FOUND";
        case FP4_E_UNSUPPORTED:
            return "FP4_E_UNSUPPORTED";
        case FP4_E_STATE:
            return "FP4_E_STATE";
        case FP4_E_VERSION:
            return "FP4_E_VERSION";
        case FP4_E_INTERNAL:
            return "FP4_E_INTERNAL";
        case FP4_E_BUSY:
            return "FP4_E_BUSY";
        case FP4_E_FORMAT:
            return "FP4_E_FORMAT";
        case FP4_E_CORRUPT:
            return "FP4_E_CORRUPT";
        case FP4_E_LIMIT:
            return "FP4_E_LIMIT";
        case FP4_E_DEVICE:
            return "FP4_E_DEVICE";
        case FP4_E_DEVICE_LOST:
            return "FP4_E_DEVICE_LOST";
        case FP4_E_CANCELLED:
            return "FP4_E_CANCELLED";
        case FP4_E_TIMEOUT:
            return "FP4_E_TIMEOUT";
        default:
            return "FP4_E_UNKNOWN";
    }
}

fp4_status fp4_set_log(fp4_log_fn fn, int32_t level, void* user) {
    return guarded([&]() -> Result<void> {
        if (level < FP4_LOG_ERROR || level > FP4_LOG_DEBUG) {
            return error(Status::argument, "log level ", level, " is outside ", int(FP4_LOG_ERROR), "..",
                         int(FP4_LOG_DEBUG));
        }
        set_log(fn, static_cast<LogLevel>(level), user);
        return {};
    });
}

fp4_status fp4_log_read(int32_t* level, char* text, size_t capacity, size_t* needed) {
    return guarded([&]() -> Result<Status> {
        FP4_TRY(require(level, "level"));
        auto message = peek_log();
        if (!message) return Status::done;
        FP4_TRY(copy_text(message->text, text, capacity, needed));
        *level = static_cast<int32_t>(message->level);
        drop_log(message->number);
        return Status::ok;
    });
}

fp4_status fp4_set_allocator(const fp4_allocator* allocator) {
    return guarded([&]() -> Result<void> {
        fp4_allocator known{};
        FP4_TRY(read_struct(allocator, 0, known, "allocator"));
        if (!known.allocate || !known.release) return error(Status::argument, "allocate or release is NULL");
        if (LiveHandle::count.load() != 0) {
            return error(Status::state, "handles are open; set the allocator before the first one");
        }
        set_host_allocator({known.user, known.allocate, known.release});
        return {};
    });
}

fp4_status fp4_memory_used(uint64_t* now, uint64_t* high_water) {
    return guarded([&]() -> Result<void> {
        HostMemoryUse use = host_memory_use();
        if (now) *now = use.now;
        if (high_water) *high_water = use.high_water;
        return {};
    });
}
