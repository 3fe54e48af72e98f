#include "cuda/cuda_objects.h"

#include <algorithm>

#include "cuda/device/launch.h"
#include "cuda/kernels/attention.h"
#include "libfp4/base/checked.h"
#include "libfp4/engine/object_checks.h"

namespace fp4::cuda {
namespace {

Result<DeviceMemory> upload(const std::vector<float>& values) {
    FP4_ASSIGN(DeviceMemory memory, DeviceMemory::create(values.size() * sizeof(float)));
    if (values.empty()) return memory;
    FP4_TRY(check(cudaMemcpy(memory.data(), values.data(), memory.bytes(), cudaMemcpyHostToDevice),
                  "upload a transform"));
    return memory;
}

} // namespace

Result<std::unique_ptr<CudaTransform>> CudaTransform::create(const InputTransform& transform, size_t cols) {
    FP4_TRY(check_transform(transform, cols));
    auto result = std::make_unique<CudaTransform>();
    result->cols_ = cols;
    FP4_ASSIGN(result->channel_scale_, upload(transform.channel_scale));
    result->view_.kind = transform.kind;
    result->view_.block = transform.block;
    result->view_.channel_scale = result->channel_scale_.as<float>();
    if (transform.kind == InputTransform::Kind::matrix) {
        const size_t block = transform.block;
        FP4_ASSIGN(result->matrix_, upload(transform.matrix));
        result->view_.matrix = result->matrix_.as<float>();
        if (transform.matrix.size() > block * block)
            result->view_.matrix_stride = static_cast<uint32_t>(block * block);
    }
    return result;
}

Result<std::unique_ptr<CudaActivation>> CudaActivation::create(size_t max_rows, size_t cols,
                                                               std::span<const Weight* const> readers) {
    constexpr size_t most_cols = size_t(1) << 23;
    auto elements = checked_mul(max_rows, cols);
    if (!elements || *elements == 0 || cols > most_cols || *elements > uint64_t(1) << 46) {
        return error(Status::argument, "an activation [", max_rows, ", ", cols, "] is empty or too large");
    }
    auto result = std::make_unique<CudaActivation>();
    result->max_rows_ = max_rows;
    ActivationView& view = result->view_;
    view.cols = static_cast<uint32_t>(cols);
    auto view_of = [](const Weight* weight) { return static_cast<const CudaWeight&>(*weight).view(); };
    view.keeps_values = readers.empty() || !std::ranges::all_of(readers, &WeightView::packed, view_of);
    view.keeps_half = readers.empty() || !std::ranges::all_of(readers, &WeightView::folds, view_of);
    const Sizes size = sizes(max_rows, cols);
    FP4_ASSIGN(result->values_, DeviceMemory::create(size.values));
    FP4_ASSIGN(result->parts_, DeviceMemory::create(size.parts));
    FP4_ASSIGN(result->part_scales_, DeviceMemory::create(size.part_scales));
    FP4_ASSIGN(result->row_amax_, DeviceMemory::create(size.row_amax));
    FP4_ASSIGN(result->squares_, DeviceMemory::create(size.squares));
    view.values = result->values_.as<float>();
    view.parts = result->parts_.as<__half>();
    view.part_scales = result->part_scales_.as<float>();
    view.row_amax = result->row_amax_.as<uint32_t>();
    FP4_TRY(result->allocate_operand(size));
    return result;
}

CudaActivation::Sizes CudaActivation::sizes(size_t max_rows, size_t cols) {
    ActivationView view;
    view.cols = static_cast<uint32_t>(cols);
    const uint64_t groups = ceil_div(std::min<uint64_t>(max_rows, few_tokens), part_tokens),
                   padded = view.padded();
    Sizes size;
    size.values = max_rows * view.pitch() * sizeof(float);
    size.parts = groups * padded * 2 * part_tokens * sizeof(__half);
    size.part_scales = groups * padded / 32 * part_tokens * sizeof(float);
    size.row_amax = max_rows * sizeof(uint32_t);
    const uint64_t squares = round_up(ceil_div(cols, square_columns), 4); // loaded by fours
    size.squares = squares > most_squares ? 0 : squares * sizeof(float);
    if (max_rows <= few_tokens) return size;
    size.half = half_bytes(round_up(max_rows, panel_row_step), cols);
    size.row_scale = max_rows * sizeof(float);
    if (e4m3_products) {
        size.e4m3 = e4m3_bytes(round_up(max_rows, panel_row_step), cols);
        size.tensor_scale = max_rows * sizeof(float);
    }
    if (!block_scaled_products) return size;
    // Of the largest format of each.
    size.codes = max_rows * code_row_bytes(BlockFormat::mxfp8_e4m3, cols);
    size.scales = scale_bytes(BlockFormat::nvfp4, max_rows, cols);
    size.tensor_scale = max_rows * sizeof(float);
    return size;
}

uint64_t CudaActivation::bytes(size_t max_rows, size_t cols) {
    const Sizes size = sizes(max_rows, cols);
    return size.values + size.parts + size.part_scales + size.row_amax + size.squares + size.half +
           size.row_scale + size.e4m3 + size.codes + size.scales + size.tensor_scale;
}

Result<void> CudaActivation::allocate_operand(const Sizes& size) {
    GemmOperand& operand = view_.operand;
    if (size.half == 0) return {};
    operand.cols = view_.cols;
    operand.panel_rows = round_up(max_rows_, panel_row_step);
    FP4_ASSIGN(half_, DeviceMemory::create(size.half));
    FP4_ASSIGN(row_scale_, DeviceMemory::create(size.row_scale));
    operand.half = half_.data();
    operand.row_scale = row_scale_.as<float>();
    FP4_ASSIGN(e4m3_, DeviceMemory::create(size.e4m3));
    FP4_ASSIGN(codes_, DeviceMemory::create(size.codes));
    FP4_ASSIGN(scales_, DeviceMemory::create(size.scales));
    FP4_ASSIGN(tensor_scale_, DeviceMemory::create(size.tensor_scale));
    operand.e4m3 = e4m3_.data();
    operand.codes = codes_.data();
    operand.scales = scales_.data();
    operand.tensor_scale = tensor_scale_.as<float>();
    return {};
}

ActivationView CudaActivation::view(size_t n) const {
    ActivationView view = view_;
    view.in_operand = n > few_tokens;
    return view;
}

Result<std::unique_ptr<CudaKvCache>> CudaKvCache::create(const KvShape& shape) {
    if (shape.head_dim > max_attention_dim)
        return error(Status::unsupported, "CUDA: heads of ", shape.head_dim, " values; at most ",
                     max_attention_dim);
    FP4_ASSIGN(const uint64_t bytes, kv_cache_bytes(shape));
    if (shape.capacity > UINT32_MAX)
        return error(Status::limit, "CUDA: a KV cache of ", shape.capacity, " tokens is too large");
    auto cache = std::make_unique<CudaKvCache>();
    FP4_ASSIGN(cache->memory_, DeviceMemory::create(bytes));
    cache->shape_ = shape;
    return cache;
}

KvView CudaKvCache::view(size_t layer) const {
    const size_t bytes = shape_.capacity * shape_.row_bytes();
    KvView view;
    view.keys = memory_.data() + layer * bytes;
    view.values = view.keys + shape_.layers * bytes;
    view.format = shape_.format;
    view.kv_heads = static_cast<uint32_t>(shape_.kv_heads);
    view.head_dim = static_cast<uint32_t>(shape_.head_dim);
    view.head_bytes = static_cast<uint32_t>(shape_.head_bytes());
    if (auto block = kv_block(shape_.format))
        view.code_bytes = static_cast<uint32_t>(row_code_bytes(block->format, shape_.head_dim));
    return view;
}

} // namespace fp4::cuda
