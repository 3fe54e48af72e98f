#include "libfp4/cpu/host_memory.h"

#include <cstring>
#include <new>

#include "libfp4/base/checked.h"
#include "libfp4/engine/object_checks.h"

namespace fp4 {
namespace {

// Copies without throwing: weights can be larger than the memory that is left.
Result<void> copy_bytes(const uint8_t* source, size_t bytes, std::vector<uint8_t>& target) {
    try {
        target.assign(source, source + bytes);
    } catch (const std::bad_alloc&) {
        return error(Status::memory, "cannot allocate ", bytes, " bytes for a weight");
    }
    return {};
}

bool scales_are_regular(WeightFormat format, const uint8_t* scales, size_t count) {
    if (format != WeightFormat::nvfp4) return std::memchr(scales, 0xFF, count) == nullptr;
    bool regular = true;
    for (size_t i = 0; i < count; ++i) regular &= scales[i] < 0x7F;
    return regular;
}

} // namespace

MemoryAccount& host_account() {
    // Never destroyed: a host's static objects may close models after the library's own would be gone.
    static MemoryAccount& account = *new MemoryAccount("cpu");
    return account;
}

Result<AlignedBytes> AlignedBytes::create(uint64_t bytes) {
    AlignedBytes memory;
    FP4_ASSIGN(memory.share_, MemoryShare::take(host_account(), bytes));
    if (bytes <= SIZE_MAX) {
        memory.block_.reset(
            static_cast<uint8_t*>(host_allocate(static_cast<size_t>(bytes), alignment, true)));
    }
    if (!memory.block_) return error(Status::memory, "cannot allocate ", bytes, " bytes of memory");
    memory.size_ = static_cast<size_t>(bytes);
    return memory;
}

uint64_t weight_memory(WeightFormat format, size_t rows, size_t cols) {
    const size_t scales = is_block(format) ? row_scales(to_block(format), cols) : 0;
    return uint64_t(rows) * (weight_row_bytes(format, cols) + scales);
}

Result<std::unique_ptr<HostMatrix>> HostMatrix::create(const HostWeight& weight) {
    FP4_TRY(check_weight(weight));
    // cols * 4 bounds every format's row, so that the products below cannot wrap.
    auto bound = checked_mul(weight.cols, 4);
    if (bound) bound = checked_add(*bound, 256);
    if (bound) bound = checked_mul(*bound, weight.rows);
    if (!bound || *bound > SIZE_MAX) {
        return error(Status::limit, "a weight [", weight.rows, ", ", weight.cols,
                     "] does not fit the address space");
    }
    auto matrix = std::make_unique<HostMatrix>();
    FP4_ASSIGN(matrix->share_,
               MemoryShare::take(host_account(), weight_memory(weight.format, weight.rows, weight.cols)));
    matrix->weight_ = weight;
    matrix->row_bytes_ = weight_row_bytes(weight.format, weight.cols);
    if (is_block(weight.format)) {
        matrix->row_scales_ = fp4::row_scales(to_block(weight.format), weight.cols);
        matrix->regular_scales_ =
            scales_are_regular(weight.format, weight.scales, weight.rows * matrix->row_scales_);
    }
    // f32 vectors (norms, biases) are read in place as float: they need their alignment.
    bool misaligned_vector = weight.format == WeightFormat::f32 && weight.rows == 1 &&
                             reinterpret_cast<uintptr_t>(weight.data) % alignof(float) != 0;
    if (!weight.owner || misaligned_vector) {
        FP4_TRY(copy_bytes(weight.data, weight.rows * matrix->row_bytes_, matrix->copied_codes_));
        matrix->weight_.data = matrix->copied_codes_.data();
        if (weight.scales) {
            FP4_TRY(copy_bytes(weight.scales, weight.rows * matrix->row_scales_, matrix->copied_scales_));
            matrix->weight_.scales = matrix->copied_scales_.data();
        }
    }
    return matrix;
}

Result<std::unique_ptr<HostTransform>> HostTransform::create(const InputTransform& transform, size_t cols) {
    FP4_TRY(check_transform(transform, cols));
    auto result = std::make_unique<HostTransform>();
    FP4_ASSIGN(result->share_, MemoryShare::take(host_account(), transform.bytes()));
    result->definition_ = transform;
    result->cols_ = cols;
    return result;
}

Result<std::unique_ptr<HostKvCache>> HostKvCache::create(const KvShape& shape) {
    FP4_ASSIGN(const uint64_t bytes, kv_cache_bytes(shape));
    auto cache = std::make_unique<HostKvCache>();
    FP4_ASSIGN(cache->memory_, AlignedBytes::create(bytes));
    cache->shape_ = shape;
    cache->keys_ = cache->memory_.data();
    cache->values_ = cache->keys_ + bytes / 2;
    return cache;
}

} // namespace fp4
