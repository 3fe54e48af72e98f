#include "libfp4/io/gguf_cursor.h"

#include <algorithm>

namespace fp4 {
namespace {

constexpr uint64_t window_bytes = 1u << 16;

} // namespace

Error GgufCursor::short_file(uint64_t wanted, std::string_view what) const {
    return error(Status::format, file(), ": ", what, " at ", position(), " needs ", wanted,
                 " bytes, but only ", remaining(), " are left; the file is truncated or damaged");
}

Result<void> GgufCursor::refill() {
    window_start_ = position();
    next_ = 0;
    window_.resize(std::min(window_bytes, source_.size() - window_start_));
    return source_.read_at(window_start_, window_);
}

Result<void> GgufCursor::bytes(std::span<uint8_t> target, std::string_view what) {
    if (target.size() > remaining()) return short_file(target.size(), what);
    while (!target.empty()) {
        if (next_ == window_.size()) FP4_TRY(refill());
        size_t now = std::min(target.size(), window_.size() - next_);
        std::memcpy(target.data(), window_.data() + next_, now);
        next_ += now;
        target = target.subspan(now);
    }
    return {};
}

Result<std::string> GgufCursor::string(uint64_t max_length, std::string_view what) {
    FP4_ASSIGN(uint64_t length, read<uint64_t>(what));
    if (length > remaining()) return short_file(length, what);
    if (length > max_length) {
        return error(Status::limit, file(), ": ", what, " has ", length, " bytes, the limit is ", max_length);
    }
    std::string text(length, '\0');
    FP4_TRY(bytes({reinterpret_cast<uint8_t*>(text.data()), text.size()}, what));
    return text;
}

Result<void> GgufCursor::expect(uint64_t count, uint64_t item_bytes, std::string_view what) const {
    if (count <= remaining() / item_bytes) return {};
    return error(Status::format, file(), ": ", what, ": ", count, " items cannot fit in the ", remaining(),
                 " bytes left of the file");
}

} // namespace fp4
