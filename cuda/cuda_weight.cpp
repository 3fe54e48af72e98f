#include <algorithm>
#include <cstring>

#include "cuda/cuda_objects.h"
#include "cuda/gemm/gemm.h"
#include "cuda/kernels/pack.h"
#include "libfp4/base/checked.h"
#include "libfp4/engine/object_checks.h"

namespace fp4::cuda {
namespace {

// NaN blocks have no form in the packed layout.
bool has_nan_scale(const HostWeight& weight) {
    const size_t count = weight.rows * row_scales(to_block(weight.format), weight.cols);
    if (weight.format != WeightFormat::nvfp4) return std::memchr(weight.scales, 0xFF, count) != nullptr;
    return std::any_of(weight.scales, weight.scales + count,
                       [](uint8_t code) { return (code & 0x7F) == 0x7F; });
}

// Kernels count rows and columns in 32 bits, and row tiles in the grid.
Result<void> check_size(const HostWeight& weight) {
    constexpr size_t most = size_t(1) << 19;
    if (weight.rows > most || weight.cols > most * 16)
        return error(Status::limit, "a weight [", weight.rows, ", ", weight.cols, "] is too large for CUDA");
    return {};
}

} // namespace

Result<std::unique_ptr<CudaWeight>> CudaWeight::create(const HostWeight& weight) {
    FP4_TRY(check_weight(weight));
    FP4_TRY(check_size(weight));
    auto result = std::make_unique<CudaWeight>();
    WeightView& view = result->view_;
    view.format = weight.format;
    view.rows = static_cast<uint32_t>(weight.rows);
    view.cols = static_cast<uint32_t>(weight.cols);
    view.tensor_scale = weight.tensor_scale;
    view.packed = (weight.format == WeightFormat::mxfp4 || weight.format == WeightFormat::nvfp4) &&
                  !has_nan_scale(weight);
    FP4_TRY(view.packed ? result->upload_packed(weight) : result->upload_plain(weight));
    view.codes = result->codes_.data();
    view.scales = result->scales_.data();
    return result;
}

Result<void> CudaWeight::upload_plain(const HostWeight& weight) {
    const uint64_t padded = round_up(weight.cols, run_columns);
    const uint64_t row = weight_row_bytes(weight.format, weight.cols);
    view_.row_bytes = static_cast<uint32_t>(weight_row_bytes(weight.format, padded));
    FP4_ASSIGN(codes_, DeviceMemory::create(weight.rows * view_.row_bytes));
    FP4_TRY(check(cudaMemcpy2D(codes_.data(), view_.row_bytes, weight.data, row, row, weight.rows,
                               cudaMemcpyHostToDevice),
                  "upload a weight"));
    if (!is_block(weight.format)) return {};
    const size_t scales = row_scales(to_block(weight.format), weight.cols);
    view_.row_scales = static_cast<uint32_t>(row_scales(to_block(weight.format), padded));
    FP4_ASSIGN(scales_, DeviceMemory::create(weight.rows * view_.row_scales));
    return check(cudaMemcpy2D(scales_.data(), view_.row_scales, weight.scales, scales, scales, weight.rows,
                              cudaMemcpyHostToDevice),
                 "upload block scales");
}

Result<void> CudaWeight::upload_packed(const HostWeight& weight) {
    const uint64_t codes = weight.rows * weight_row_bytes(weight.format, weight.cols);
    const uint64_t scales = weight.rows * row_scales(to_block(weight.format), weight.cols);
    const uint64_t row_tiles = ceil_div(weight.rows, tile_rows);
    const uint64_t chunk_scales = weight.format == WeightFormat::nvfp4 ? 256 : 128;
    FP4_ASSIGN(codes_, DeviceMemory::create(row_tiles * ceil_div(weight.cols, tile_columns) * tile_bytes));
    FP4_ASSIGN(scales_,
               DeviceMemory::create(row_tiles * ceil_div(weight.cols, chunk_columns) * chunk_scales));
    FP4_ASSIGN(DeviceMemory staging, DeviceMemory::create(codes + scales));
    FP4_TRY(check(cudaMemcpy(staging.data(), weight.data, codes, cudaMemcpyHostToDevice), "upload a weight"));
    FP4_TRY(check(cudaMemcpy(staging.data() + codes, weight.scales, scales, cudaMemcpyHostToDevice),
                  "upload block scales"));
    FP4_TRY(check(
        launch_pack(staging.data(), staging.data() + codes, view_, codes_.data(), scales_.data(), nullptr),
        "start packing a weight"));
    FP4_ASSIGN(row_factors_, DeviceMemory::create(weight.rows * w4_row_bytes));
    auto* rows = row_factors_.as<W4Row>();
    view_.row_factors = rows;
    FP4_TRY(check(prepare_w4a16(to_block(weight.format), scales_.data(), weight.rows, weight.cols,
                                weight.tensor_scale, rows, nullptr),
                  "start preparing a weight"));
    return check(cudaStreamSynchronize(nullptr), "pack a weight");
}

} // namespace fp4::cuda
