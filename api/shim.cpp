#include "api/shim.h"

#include <cstdio>

namespace fp4::api {
namespace {

// A fixed buffer, so that reporting "out of memory" needs none.
thread_local char last_error[2048] = "";

} // namespace

static_assert(
    FP4_OK == static_cast<int>(Status::ok) && FP4_MORE == static_cast<int>(Status::more) &&
    FP4_DONE == static_cast<int>(Status::done) && FP4_E_ARGUMENT == static_cast<int>(Status::argument) &&
    FP4_E_MEMORY == static_cast<int>(Status::memory) && FP4_E_SPACE == static_cast<int>(Status::space) &&
    FP4_E_IO == static_cast<int>(Status::io) && FP4_E_NOT_FOUND == static_cast<int>(Status::not_found) &&
    FP4_E_UNSUPPORTED == static_cast<int>(Status::unsupported) &&
    FP4_E_STATE == static_cast<int>(Status::state) && FP4_E_VERSION == static_cast<int>(Status::version) &&
    FP4_E_INTERNAL == static_cast<int>(Status::internal) && FP4_E_BUSY == static_cast<int>(Status::busy) &&
    FP4_E_FORMAT == static_cast<int>(Status::format) && FP4_E_CORRUPT == static_cast<int>(Status::corrupt) &&
    FP4_E_LIMIT == static_cast<int>(Status::limit) && FP4_E_DEVICE == static_cast<int>(Status::device) &&
    FP4_E_DEVICE_LOST == static_cast<int>(Status::device_lost) &&
    FP4_E_CANCELLED == static_cast<int>(Status::cancelled) &&
    FP4_E_TIMEOUT == static_cast<int>(Status::timeout));

void clear_last_error() noexcept {
    last_error[0] = 0;
}

fp4_status set_last_error(Status status, const char* message) noexcept {
    std::snprintf(last_error, sizeof last_error, "%s", message);
    return status_of(status);
}

fp4_status set_last_error(const Error& error) noexcept {
    return set_last_error(error.status, error.message.c_str());
}

Result<void> read_struct_bytes(const void* from, uint32_t known_flags, void* into, size_t known_size,
                               const char* name) {
    FP4_TRY(require(from, name));
    uint32_t stamp[2];
    std::memcpy(stamp, from, sizeof stamp);
    auto [size, flags] = stamp;
    if (!is_struct_size(size)) {
        return error(Status::argument, name, "->size is ", size,
                     "; set it to sizeof, or use the _init function");
    }
    const auto* bytes = static_cast<const unsigned char*>(from);
    for (size_t i = known_size; i < size; ++i) {
        if (bytes[i] != 0) {
            return error(Status::version, name, " uses fields that this library (", FP4_VERSION,
                         ") does not know; use a newer library");
        }
    }
    if ((flags & ~known_flags) != 0) {
        return error(Status::argument, name, "->flags has unknown bits: ", flags & ~known_flags);
    }
    std::memcpy(into, from, size < known_size ? size : known_size);
    return {};
}

Result<void> check_out_struct(const void* to, const char* name) {
    FP4_TRY(require(to, name));
    uint32_t size;
    std::memcpy(&size, to, sizeof size);
    if (is_struct_size(size)) return {};
    return error(Status::argument, name, "->size is ", size, "; set it to sizeof before the call");
}

Result<void> write_struct_bytes(const void* from, size_t known_size, void* to, const char* name) {
    FP4_TRY(check_out_struct(to, name));
    uint32_t size;
    std::memcpy(&size, to, sizeof size);
    std::memset(to, 0, size);
    std::memcpy(to, from, size < known_size ? size : known_size);
    std::memcpy(to, &size, sizeof size);
    return {};
}

namespace {

Result<void> copy_out(const void* source, size_t count, size_t item_bytes, void* buffer, size_t capacity,
                      size_t* needed) {
    if (!needed && !buffer) return error(Status::argument, "both the buffer and 'needed' are NULL");
    if (!buffer && capacity != 0)
        return error(Status::argument, "the buffer is NULL but its capacity is ", capacity);
    if (needed) *needed = count;
    if (count > capacity) {
        return error(Status::space, "the result needs a capacity of ", count, ", the buffer has ", capacity);
    }
    if (count > 0) std::memcpy(buffer, source, count * item_bytes);
    return {};
}

} // namespace

Result<void> copy_text(std::string_view text, char* buffer, size_t capacity, size_t* needed) {
    return copy_out(text.data(), text.size(), 1, buffer, capacity, needed);
}

Result<void> copy_tokens(std::span<const int32_t> ids, int32_t* buffer, size_t capacity, size_t* needed) {
    return copy_out(ids.data(), ids.size(), sizeof(int32_t), buffer, capacity, needed);
}

} // namespace fp4::api

extern "C" FP4_API const char* fp4_last_error(void) {
    return fp4::api::last_error;
}
