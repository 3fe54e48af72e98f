// What streams of every device have in common: argument checks and the sticky failure.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

class CheckedStream : public Stream {
  protected:
    // The first failure wins; later operations do nothing.
    void fail(Error failure);
    // False when the condition does not hold, which fails the stream, or the stream has failed before.
    bool require(bool condition, const char* operation, const char* what);
    bool vector_of(const Weight* weight, size_t cols, const char* operation);
    bool rounding_fits(const char* operation, size_t n, size_t cols, const Transform* transform,
                       const Activation& out);
    bool cache_holds(const char* operation, const HeadShape& shape, const KvCache& cache, size_t layer,
                     size_t position, size_t n);

    // Of operations that give a result: a wrong argument does not fail the stream.
    Result<void> check_read(const Buffer& source, size_t offset, size_t bytes) const;
    Result<void> check_logits(const Buffer& logits, size_t row, size_t vocab) const;
    Result<void> check_kv(const KvCache& cache, size_t layer, size_t first, size_t count, size_t keys,
                          size_t values) const;

    Result<void> state_;
};

inline Error no_token_left() {
    return error(Status::state, "sample: every token is forbidden or has a NaN logit");
}

// Whether the buffer holds `rows` rows of `width` 4-byte values.
bool holds(const Buffer& buffer, size_t rows, size_t width);

constexpr bool within(size_t offset, size_t count, size_t size) {
    return offset <= size && count <= size - offset;
}

} // namespace fp4
