#include "libfp4/engine/checked_stream.h"

#include "libfp4/base/checked.h"

namespace fp4 {

bool holds(const Buffer& buffer, size_t rows, size_t width) {
    auto values = checked_mul(rows, width);
    auto bytes = values ? checked_mul(*values, 4) : std::nullopt;
    return bytes && *bytes <= buffer.bytes();
}

void CheckedStream::fail(Error failure) {
    if (state_.ok()) state_ = std::move(failure);
}

bool CheckedStream::require(bool condition, const char* operation, const char* what) {
    if (!condition) fail(error(Status::internal, operation, ": ", what));
    return state_.ok();
}

bool CheckedStream::vector_of(const Weight* weight, size_t cols, const char* operation) {
    return require(
        weight && weight->format() == WeightFormat::f32 && weight->rows() == 1 && weight->cols() == cols,
        operation, "a norm, bias or frequency vector is not f32 [1, width]");
}

bool CheckedStream::rounding_fits(const char* operation, size_t n, size_t cols, const Transform* transform,
                                  const Activation& out) {
    return require(n > 0 && n <= out.max_rows() && cols == out.cols(), operation,
                   "the activation has another shape") &&
           require(!transform || transform->cols() == cols, operation, "the transform has another width");
}

bool CheckedStream::cache_holds(const char* operation, const HeadShape& shape, const KvCache& cache,
                                size_t layer, size_t position, size_t n) {
    const KvShape& kv = cache.shape();
    return require(shape.kv_heads == kv.kv_heads && shape.head_dim == kv.head_dim &&
                       shape.head_dim % 2 == 0 && shape.heads % kv.kv_heads == 0,
                   operation, "the cache has another shape") &&
           require(layer < kv.layers && within(position, n, kv.capacity), operation, "outside of the cache");
}

Result<void> CheckedStream::check_read(const Buffer& source, size_t offset, size_t bytes) const {
    FP4_TRY(state_);
    if (!within(offset, bytes, source.bytes())) {
        return error(Status::argument, "read: ", offset, " + ", bytes, " is outside of a buffer of ",
                     source.bytes(), " bytes");
    }
    return {};
}

Result<void> CheckedStream::check_logits(const Buffer& logits, size_t row, size_t vocab) const {
    FP4_TRY(state_);
    if (vocab == 0 || !holds(logits, row + 1, vocab))
        return error(Status::argument, "sample: the logits have no row ", row);
    return {};
}

Result<void> CheckedStream::check_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                                     size_t keys, size_t values) const {
    FP4_TRY(state_);
    const KvShape& shape = cache.shape();
    if (layer >= shape.layers || !within(first, count, shape.capacity)) {
        return error(Status::argument, "KV rows ", first, " + ", count, " of layer ", layer,
                     " are outside of the cache");
    }
    const size_t bytes = count * shape.row_bytes();
    if (keys != bytes || values != bytes)
        return error(Status::argument, "KV rows need ", bytes, " bytes, not ", keys, " and ", values);
    return {};
}

} // namespace fp4
