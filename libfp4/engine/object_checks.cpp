#include "libfp4/engine/object_checks.h"

#include "libfp4/base/checked.h"

namespace fp4 {

uint64_t weight_row_bytes(WeightFormat format, uint64_t cols) {
    if (is_block(format)) return row_code_bytes(to_block(format), cols);
    return cols * (format == WeightFormat::f32 ? 4 : 2);
}

Result<void> check_weight(const HostWeight& weight) {
    if (weight.format > WeightFormat::mxint8)
        return error(Status::argument, "a weight has an unknown format");
    if (weight.rows == 0 || weight.cols == 0 || weight.data == nullptr)
        return error(Status::argument, "a weight [", weight.rows, ", ", weight.cols, "] has no values");
    if (is_block(weight.format) && weight.scales == nullptr) {
        return error(Status::argument, "a ", block_format_name(to_block(weight.format)),
                     " weight has no block scales");
    }
    return {};
}

Result<void> check_transform(const InputTransform& transform, size_t cols) {
    const size_t block = transform.block;
    if (transform.kind != InputTransform::Kind::identity) {
        if (!is_transform_block(block))
            return error(Status::argument, "a transform block of ", block, " is none of 16, 32, 64, 128");
        if (cols % block != 0) {
            return error(Status::argument, "a transform block of ", block, " does not divide ", cols,
                         " channels");
        }
    }
    if (transform.kind == InputTransform::Kind::matrix && transform.matrix.size() != block * block &&
        transform.matrix.size() != cols * block) {
        return error(Status::argument, "a transform of ", cols, " channels in blocks of ", block, " has ",
                     transform.matrix.size(), " values, not those of one matrix or of one for each block");
    }
    if (!transform.channel_scale.empty() && transform.channel_scale.size() != cols) {
        return error(Status::argument, "a transform has ", transform.channel_scale.size(),
                     " channel scales for ", cols, " channels");
    }
    return {};
}

Result<void> check_kv_format(KvFormat format) {
    if (format >= KvFormat::f16 && format <= KvFormat::mxfp4) return {};
    return error(Status::argument, "KV format ", static_cast<int>(format), " is not one of FP4_KV_*");
}

Result<uint64_t> kv_cache_bytes(const KvShape& shape) {
    // Blocks take at most 33 bytes more than 4 a value, so that a head cannot wrap.
    std::optional<uint64_t> bytes;
    if (shape.head_dim > 0 && shape.head_dim <= SIZE_MAX / 64) bytes = 2 * shape.head_bytes();
    for (uint64_t factor : {shape.layers, shape.capacity, shape.kv_heads}) {
        if (bytes) bytes = checked_mul(*bytes, factor);
    }
    if (!bytes || *bytes == 0) {
        return error(Status::argument, "a KV cache of ", shape.layers, " layers, ", shape.capacity,
                     " tokens, ", shape.kv_heads, " heads of ", shape.head_dim, " is empty or too large");
    }
    return *bytes;
}

} // namespace fp4
