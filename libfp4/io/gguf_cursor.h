// Sequential reading of a GGUF header through a small window, checked against the end of the file.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/byte_source.h"

namespace fp4 {

class GgufCursor {
  public:
    explicit GgufCursor(const ByteSource& source) : source_(source) {}

    uint64_t position() const { return window_start_ + next_; }
    uint64_t remaining() const { return source_.size() - position(); }
    const std::string& file() const { return source_.name(); }

    // `what` names the field in messages.
    Result<void> bytes(std::span<uint8_t> target, std::string_view what);

    template <class T>
    Result<T> read(std::string_view what) {
        T value;
        FP4_TRY(bytes({reinterpret_cast<uint8_t*>(&value), sizeof value}, what));
        return value;
    }

    // u64 length and that many bytes.
    Result<std::string> string(uint64_t max_length, std::string_view what);

    // Fails unless `count` items of at least `item_bytes` can still follow: called before memory is taken for
    // them.
    Result<void> expect(uint64_t count, uint64_t item_bytes, std::string_view what) const;

  private:
    Result<void> refill();
    Error short_file(uint64_t wanted, std::string_view what) const;

    const ByteSource& source_;
    std::vector<uint8_t> window_;
    uint64_t window_start_ = 0;
    size_t next_ = 0; // in the window
};

} // namespace fp4
