// Failures as values: every fallible function inside the library returns Result<T>.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace fp4 {

// Same numbers as fp4_status in api/fp4.h (asserted there).
enum class Status : int32_t {
    ok = 0,
    more = 1,
    done = 2,
    argument = -1,
    memory = -2,
    space = -3,
    io = -4,
    not_found = -5,
    unsupported = -6,
    state = -7,
    version = -8,
    internal = -9,
    busy = -10,
    format = -100,
    corrupt = -101,
    limit = -102,
    device = -200,
    device_lost = -201,
    cancelled = -300,
    timeout = -301,
};

const char* status_name(Status status);

struct Error {
    Status status = Status::internal;
    std::string message;
};

namespace detail {
inline void append(std::string& out, std::string_view part) {
    out += part;
}
inline void append(std::string& out, const char* part) {
    out += part;
}
inline void append(std::string& out, const std::string& part) {
    out += part;
}
inline void append(std::string& out, char part) {
    out += part;
}
void append(std::string& out, double part);
template <class T>
requires std::is_integral_v<T>
void append(std::string& out, T part) {
    out += std::to_string(part);
}
} // namespace detail

// Joins text and numbers: concat("tensor '", name, "' has ", n, " dims").
template <class... Parts>
std::string concat(const Parts&... parts) {
    std::string out;
    (detail::append(out, parts), ...);
    return out;
}

template <class... Parts>
Error error(Status status, const Parts&... parts) {
    return Error{status, concat(parts...)};
}

template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
    const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
    T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& { return assert(!ok()), *std::get_if<1>(&state_); }
    Error&& error() && { return assert(!ok()), std::move(*std::get_if<1>(&state_)); }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    const Error& error() const& { return assert(!ok()), *error_; }
    Error&& error() && { return assert(!ok()), std::move(*error_); }

  private:
    std::optional<Error> error_;
};

// Propagates a failure to the caller. FP4_TRY(expr) for Result<void>,
// FP4_ASSIGN(auto x, expr) binds the value.
#define FP4_TRY(expr) FP4_TRY_AT_(expr, __COUNTER__)
#define FP4_TRY_AT_(expr, n) FP4_TRY_NAMED_(expr, n)
#define FP4_TRY_NAMED_(expr, n)                                   \
    do {                                                          \
        if (auto fp4_result_##n = (expr); !fp4_result_##n.ok()) { \
            return std::move(fp4_result_##n).error();             \
        }                                                         \
    } while (0)

#define FP4_ASSIGN(declaration, expr) FP4_ASSIGN_AT_(declaration, expr, __COUNTER__)
#define FP4_ASSIGN_AT_(declaration, expr, n) FP4_ASSIGN_NAMED_(declaration, expr, n)
#define FP4_ASSIGN_NAMED_(declaration, expr, n)                         \
    auto fp4_result_##n = (expr);                                       \
    if (!fp4_result_##n.ok()) return std::move(fp4_result_##n).error(); \
    declaration = std::move(fp4_result_##n).value()

} // namespace fp4
