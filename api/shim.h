// What every entry point of the C ABI shares: the thread's last error, the exception barrier, size-stamped
// structs.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "api/fp4.h"
#include "libfp4/base/result.h"

namespace fp4::api {

void clear_last_error() noexcept;
fp4_status set_last_error(const Error& error) noexcept; // gives its status
fp4_status set_last_error(Status status, const char* message) noexcept;

inline fp4_status status_of(Status status) {
    return static_cast<fp4_status>(status);
}

// Runs the body of an entry point: nothing but a status leaves it. The body gives Result<void> or
// Result<Status> (for FP4_MORE and FP4_DONE).
template <class Body>
fp4_status guarded(Body&& body) noexcept {
    clear_last_error();
    try {
        auto result = body();
        if (!result.ok()) return set_last_error(result.error());
        if constexpr (std::is_same_v<decltype(result), Result<Status>>) {
            return status_of(result.value());
        } else {
            return FP4_OK;
        }
    } catch (const std::bad_alloc&) {
        return set_last_error(Status::memory, "out of memory");
    } catch (const std::exception& failure) {
        return set_last_error(Status::internal, failure.what());
    } catch (...) {
        return set_last_error(Status::internal, "unknown exception");
    }
}

template <class T>
Result<void> require(const T* pointer, const char* name) {
    if (pointer) return {};
    return error(Status::argument, "'", name, "' is NULL");
}

// Every struct starts with size and flags; none is ever as large as the upper bound.
inline bool is_struct_size(uint32_t size) {
    return size >= 2 * sizeof(uint32_t) && size <= (1u << 16);
}

// Reads a caller's struct of any size the ABI ever had over the defaults in `into`. Newer, larger structs are
// accepted while what this library does not know is zero.
Result<void> read_struct_bytes(const void* from, uint32_t known_flags, void* into, size_t known_size,
                               const char* name);

template <class T>
Result<void> read_struct(const T* from, uint32_t known_flags, T& into, const char* name) {
    FP4_TRY(read_struct_bytes(from, known_flags, &into, sizeof(T), name));
    into.size = sizeof(T);
    return {};
}

// Before work whose outcome goes there.
Result<void> check_out_struct(const void* to, const char* name);

// Fills as much of a caller's info struct as it has room for; its size field stays.
Result<void> write_struct_bytes(const void* from, size_t known_size, void* to, const char* name);

template <class T>
Result<void> write_struct(const T& from, T* to, const char* name) {
    return write_struct_bytes(&from, sizeof(T), to, name);
}

// Defaults for callers in languages without our macros: fills the first `size` bytes.
template <class T>
Result<void> init_struct(const T& defaults, T* config, uint32_t size) {
    FP4_TRY(require(config, "config"));
    if (!is_struct_size(size)) return error(Status::argument, "size ", size, " is not a struct size");
    std::memset(static_cast<void*>(config), 0, size);
    std::memcpy(static_cast<void*>(config), &defaults, size < sizeof(T) ? size : sizeof(T));
    config->size = size;
    return {};
}

// The (buffer, capacity, needed) pattern.
Result<void> copy_text(std::string_view text, char* buffer, size_t capacity, size_t* needed);

// The same for token ids; capacity and *needed count tokens.
Result<void> copy_tokens(std::span<const int32_t> ids, int32_t* buffer, size_t capacity, size_t* needed);

// Cuts at a UTF-8 boundary and terminates.
template <size_t N>
void copy_field(char (&field)[N], std::string_view text) {
    size_t n = text.size() < N ? text.size() : N - 1;
    while (n > 0 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
    std::memcpy(field, text.data(), n);
    std::memset(field + n, 0, N - n);
}

} // namespace fp4::api
